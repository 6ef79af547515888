"""Calls through a Balance in simulated time: coroutines are stepped by hand, so a minute of traffic takes a moment."""

import heapq
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from bff.deadline import Deadline, Timer
from bff.endpoint import Endpoint
from bff.errors import BackendError
from bff.service_settings import ServiceSettings
from bff.upstream.balance import Balance
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.instances import Instances
from bff.upstream.stats import InstanceStats, ServiceStats


@dataclass
class Until:
    """Awaited: that many simulated seconds."""

    seconds: float

    def __await__(self) -> Generator["Until", None, None]:
        yield self


class Time:
    """The clock of a simulation. Nothing on the way of a call sets a timer."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
        raise AssertionError("no timer here")


Behave = Callable[[Random], tuple[float, int]]  # how long an answer takes and its status


def takes(seconds: float, status: int = 200) -> Behave:
    """About that long: half as long to half as long again."""
    return lambda chance: (seconds * chance.uniform(0.5, 1.5), status)


class Simulation:
    """A service with instances a, b, c, ..., each with its behaviour; `found` are those known at first, else all."""

    def __init__(self, behaves: Mapping[str, Behave], *, found: str = "", seed: int = 1, **settings: Any) -> None:
        self.time, self.chance = Time(), Random(seed)
        self.behaves = behaves
        self.stats = ServiceStats()
        self.met: Counter[str] = Counter()
        self.errors = 0
        made = ServiceSettings.model_validate({"instances": ["http://a:1"], **settings})
        self.instances = Instances(self._wire, self.stats, weights=made.balance.weights, clock=self.time)
        self.find(*(found or behaves))
        self.balance = Balance(
            "users", self.instances, made, self.stats, clock=self.time, chance=Random(seed + 1)
        )  # of its own: draws that go with the arrivals would be no draws
        self._order = count()
        self._waiting: list[tuple[float, int, Coroutine[Until, None, Reply] | None]] = []

    def find(self, *names: str) -> None:
        self.instances.update([Endpoint("http", name, 1) for name in names])

    def run(self, seconds: float, rate: float) -> None:
        """Calls come for so long, at random moments, whether earlier ones have ended or not."""
        self.met, self.errors = Counter(), 0
        end = self.time.at + seconds
        self._push(self.time.at, None)
        while self._waiting:
            self.time.at, _, sending = heapq.heappop(self._waiting)
            if sending is None:
                if self.time.at < end:
                    self._push(self.time.at + self.chance.expovariate(rate), None)
                    self._step(self.balance.send(Call("users", "GET", "/", Deadline(self.time.at + 60, self.time.now))))
            else:
                self._step(sending)

    def share(self, name: str) -> float:
        return self.met[name] / self.met.total()

    def _step(self, sending: Any) -> None:  # Any: a coroutine that yields Until, which Balance's own type does not say
        try:
            wait: Until = sending.send(None)
            self._push(self.time.at + wait.seconds, sending)
        except StopIteration as ended:
            self.errors += ended.value.status >= 500
        except BackendError:
            self.errors += 1

    def _push(self, when: float, sending: Coroutine[Until, None, Reply] | None) -> None:
        heapq.heappush(self._waiting, (when, next(self._order), sending))

    def _wire(self, endpoint: Endpoint, stats: InstanceStats) -> "SimulatedWire":
        return SimulatedWire(self, endpoint.host)


class SimulatedWire:
    def __init__(self, simulation: Simulation, name: str) -> None:
        self._simulation, self._name = simulation, name

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        simulation = self._simulation
        simulation.met[self._name] += 1
        seconds, status = simulation.behaves[self._name](simulation.chance)
        await Until(seconds)
        return Reply(status)

    async def close(self) -> None: ...
