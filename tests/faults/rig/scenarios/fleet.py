"""Several gateways that share one Redis: made, loaded and looked at together."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.faults.rig.gateway import Gateway
from tests.faults.rig.offering import Offered, offered
from tests.faults.rig.rig import Rig
from tests.faults.rig.samples import Sample, Samples, Stream
from tests.faults.rig.toml import Settings

ACCOUNT, SEARCH, CHECKOUT = "/rig/v1/account", "/rig/v1/search", "/rig/v1/checkout"
MEET = 6.0  # seconds; longer than it takes instances to hear of each other


def shared(url: str, policies: Mapping[str, Settings], **state: float) -> dict[str, object]:
    """Settings of gateways that count these in the Redis at `url`; `state` are others of [state]."""
    return {"state": {"url": url, **state}, "rate_limits": dict(policies)}


@asynccontextmanager
async def gateways(rig: Rig, count: int, more: Settings) -> AsyncIterator[list[Gateway]]:
    async with AsyncExitStack() as stack:
        yield list(await asyncio.gather(*(stack.enter_async_context(rig.gateway(more=more)) for _ in range(count))))


@asynccontextmanager
async def loads_on(instances: Sequence[Gateway], *streams: Stream) -> AsyncIterator[list[Offered]]:
    """The same load on each of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(offered(gateway.port, *streams)) for gateway in instances]


def joined(loads: Sequence[Offered], *streams: str) -> Samples:
    """Those of all instances: of these streams, or of whatever stream."""
    found = [load.samples.of(*streams) if streams else load.samples for load in loads]
    return Samples([""], [Sample(0, one.due, one.took, one.status, one.complete) for each in found for one in each.all])


def failures(samples: Samples) -> int:
    """Answers of 5xx, and requests without one."""
    return len(samples.where(lambda sample: sample.status >= 500 or sample.status == 0))
