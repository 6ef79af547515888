"""A wire to one instance for the tests of wires: every call is its own first attempt."""

from bff.deadline import LOOP_CLOCK, Clock
from bff.upstream.call import Attempt, Call, Reply, Wire
from bff.upstream.stats import InstanceStats

SPAN = "00f067aa0ba902b7"


class OneWire:
    def __init__(self, wire: Wire, stats: InstanceStats, clock: Clock = LOOP_CLOCK) -> None:
        self.wire, self.stats, self._clock = wire, stats, clock

    async def send(self, call: Call) -> Reply:
        return await self.wire.send(call, Attempt("", "first", self._clock.now(), SPAN))

    async def close(self) -> None:
        await self.wire.close()
