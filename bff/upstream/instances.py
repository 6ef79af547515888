"""The copies of one service that calls may go to now: they come as discovery finds them and leave without a lost call."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bff.deadline import LOOP_CLOCK, Clock, Timer
from bff.endpoint import Endpoint
from bff.upstream.call import Wire
from bff.upstream.stats import InstanceStats, ServiceStats

MakeWire = Callable[[Endpoint, InstanceStats], Wire]

# A label of metrics, a pool and a health check each: more copies than any one service has, and a bound all the same.
MOST: Final = 1000
# What Kubernetes gives a pod to end its work (terminationGracePeriodSeconds); a call with a longer deadline is cut then.
_DRAIN: Final = 30.0
# Looks at those that leave, while some do. Asking now and then costs nothing on the way of a call, a signal would.
_LOOK: Final = 0.1


class Instance:
    """One copy of a service: its wire, what is counted of it, and what its balancer knows of its health.

    Who sends a call over `wire` counts it in `stats.in_flight` from before its first await to its end: an instance that
    has left is closed when that count is 0. `ejected_until` is a monotonic moment, 0.0 for one that never was.
    """

    __slots__ = ("draining", "ejected_until", "endpoint", "name", "since", "stats", "weight", "wire")

    def __init__(self, endpoint: Endpoint, wire: Wire, stats: InstanceStats, since: float) -> None:
        self.endpoint = endpoint
        self.name = endpoint.name
        self.weight = stats.weight
        self.wire = wire
        self.stats = stats
        self.since = since  # when it was found: its slow start counts from here
        self.ejected_until = 0.0
        self.draining = False

    @property
    def healthy(self) -> bool:
        """By its active checks; true where there are none."""
        return self.stats.healthy

    @healthy.setter
    def healthy(self, value: bool) -> None:
        self.stats.healthy = value


class Instances:
    """The set that a balancer draws from.

    `live` is a new tuple whenever an instance came, left or changed its weight, and the same one otherwise: what is
    worked out from it stays good for as long as it is the same. It is empty until the first `update`.
    """

    def __init__(
        self, make_wire: MakeWire, stats: ServiceStats, *, weights: Mapping[str, int] | None = None, clock: Clock = LOOP_CLOCK
    ) -> None:
        self.live: tuple[Instance, ...] = ()
        self._make_wire, self._stats, self._clock = make_wire, stats, clock
        self._weights = weights or {}
        self._leaving: dict[Instance, float] = {}  # until when its calls may take
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: Timer | None = None
        self._closed = False
        self._watchers: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this whenever `live` has become another one: cheaper than to compare it at every call."""
        self._watchers.append(changed)

    def update(self, endpoints: Sequence[Endpoint]) -> None:
        """Make it these. Who stays keeps its connections, counts and health; who left gets no new call and is closed
        when its last one has ended. One that comes back before then goes on as it was. Repeats and those after the
        first 1,000 are left out; `weights` by host:port go before an endpoint's own.

        Needs a running loop once an instance leaves.
        """
        if self._closed:
            return
        known = {instance.name: instance for instance in (*self._leaving, *self.live)}
        wanted: dict[str, Instance] = {}
        reweighed = False
        for endpoint in endpoints:
            if len(wanted) == MOST:
                break
            if (name := endpoint.name) in wanted:
                continue
            weight = self._weights.get(name, endpoint.weight)
            instance = known.get(name)
            if instance is None or not _same(instance.endpoint, endpoint):
                instance = self._new(endpoint, weight)
            elif instance.weight != weight:
                instance.weight = instance.stats.weight = weight
                reweighed = True
            wanted[name] = instance
        before, now = self.live, tuple(wanted.values())
        if reweighed or now != before:
            self._now_live(now)
            for instance in now:
                self._stay(instance)
            for instance in set(before).difference(now):
                self._leave(instance)

    async def close(self) -> None:
        """Close every wire, of those that leave too."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for instance in (*self._leaving, *self.live):
            self._end(instance)
        self._leaving = {}
        self._now_live(())
        if self._closing:
            await asyncio.wait(self._closing)

    def _now_live(self, live: tuple[Instance, ...]) -> None:
        self.live = live
        for changed in self._watchers:
            changed()

    def _new(self, endpoint: Endpoint, weight: int) -> Instance:
        stats = self._stats.instances[endpoint.name] = InstanceStats(weight=weight)
        return Instance(endpoint, self._make_wire(endpoint, stats), stats, self._clock.now())

    def _stay(self, instance: Instance) -> None:
        if instance.draining:
            instance.draining = False
            del self._leaving[instance]

    def _leave(self, instance: Instance) -> None:
        instance.draining = True
        self._leaving[instance] = self._clock.now() + _DRAIN
        if self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + _LOOK, self._look)

    def _look(self) -> None:
        """Close those that have no call left, or no time."""
        now, self._timer = self._clock.now(), None
        for instance, until in list(self._leaving.items()):
            if not instance.stats.in_flight or until <= now:
                del self._leaving[instance]
                self._end(instance)
        if self._leaving:
            self._timer = self._clock.call_at(now + _LOOK, self._look)

    def _end(self, instance: Instance) -> None:
        if self._stats.instances.get(instance.name) is instance.stats:  # its place may be another one's by now
            del self._stats.instances[instance.name]
        task = asyncio.get_running_loop().create_task(_close(instance.wire))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(wire: Wire) -> None:
    await wire.close()


def _same(one: Endpoint, other: Endpoint) -> bool:
    """Whether connections to the one serve the other. Host and port are the same: their names are."""
    return (one.scheme, one.server_name) == (other.scheme, other.server_name)
