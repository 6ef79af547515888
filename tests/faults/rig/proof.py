"""Before anything is measured: the rig itself can offer, answer and count more than any scenario asks of it."""

import asyncio
import time

from tests.faults.rig.backends import Backends
from tests.faults.rig.offering import offered
from tests.faults.rig.samples import Stream

# F25 offers 5,000 a second. The others make 1,000 calls (200 screens of five), of which this is more than twice as many.
OFFERED = 5_000
SLOWEST = 0.05  # seconds at the p99: where the rig itself is slower, the machine is too busy to measure on


async def proof(backends: Backends, seconds: float = 3.0) -> str:
    """What the generator and one stub copy came to, without a gateway; RuntimeError if that is too little."""
    async with offered(backends.ports["picks"][0], Stream("proof", "/picks", OFFERED)) as load:
        await asyncio.sleep(1)
        start = time.monotonic()
        await asyncio.sleep(seconds)
        end = time.monotonic()
    samples = load.samples.between(start, end)
    rate, p99, answered = len(samples) / (end - start), samples.p(0.99), samples.share(lambda sample: sample.status == 200)
    counted = (await backends.count("picks")).answered
    told = f"the rig offers {rate:,.0f} requests a second to one copy: {100 * answered:.1f} % answered, p99 {1000 * p99:.0f} ms"
    if rate < 0.98 * OFFERED or answered < 1 or p99 > SLOWEST or counted < len(load.samples):
        raise RuntimeError(f"{told}; {counted} counted of {len(load.samples)}: this machine is too busy to measure on")
    return told
