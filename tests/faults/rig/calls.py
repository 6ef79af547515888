"""Calls through a single pipe in this process, open-loop, and what can be told from when a stub was called."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bff.errors import BackendError
from bff.upstream.service import Service
from tests.faults.rig.project.clients import Picks

Ask = Callable[[], Coroutine[Any, Any, object]]  # Any: what nobody sends into it


@dataclass(slots=True)
class Called:
    """One call: the moment at which it was due, the seconds until it was over, and its BackendError if it had one."""

    due: float
    took: float
    error: BackendError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def parts(service: Service) -> Ask:
    """A read of the service by a request of its own each time: within one request equal reads are one."""
    return lambda: Picks(service).part()


async def call(send: Ask, due: float | None = None) -> Called:
    """Make it and see how it ends; anything but a BackendError is a bug and is raised."""
    due = time.monotonic() if due is None else due
    try:
        await send()
    except BackendError as error:
        return Called(due, time.monotonic() - due, error)
    return Called(due, time.monotonic() - due)


async def paced(send: Ask, rate: float, seconds: float) -> list[Called]:
    """A call every `1 / rate` seconds, whatever became of those before it."""
    start = time.monotonic()
    calls = []
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            calls.append(group.create_task(call(send, due)))
    return [made.result() for made in calls]


async def many(send: Ask, count: int, at_once: int) -> list[Called]:
    """So many calls by so many callers, each asking again as soon as it was answered."""
    left = iter(range(count))

    async def caller() -> list[Called]:
        return [await call(send) for _ in left]

    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(caller()) for _ in range(at_once)]
    return [made for each in callers for made in each.result()]


def p(calls: Sequence[Called], share: float) -> float:
    """The seconds that this share of the calls did not exceed."""
    took = sorted(made.took for made in calls)
    return took[max(0, math.ceil(share * len(took)) - 1)] if took else math.inf


# What a stub's log tells. A breaker is open when nobody calls any more, whoever says what.

# Seconds without a call. Longer than a service's timeout: when all places are taken at once, they are free again at once.
QUIET = 0.7


def opened_after(arrivals: Sequence[float], struck: float, until: float) -> float:
    """Seconds from the fault to the last call before the first silence; infinite when there was none."""
    last = struck
    for at in (*(at for at in arrivals if at >= struck), until):
        if at - last >= QUIET:
            return last - struck
        last = at
    return math.inf


def largest_burst(arrivals: Sequence[float], start: float, until: float) -> int:
    """The most calls between two silences."""
    most = burst = 0
    last = -math.inf
    for at in arrivals:
        if start < at < until:
            burst = 1 if at - last >= QUIET else burst + 1
            most, last = max(most, burst), at
    return most


def closed_after(arrivals: Sequence[float], healed: float, in_a_row: int = 20) -> float:
    """Seconds from the heal until calls come one after another again."""
    later = [at for at in arrivals if at >= healed]
    for first, last in zip(later, later[in_a_row - 1 :], strict=False):
        if last - first < QUIET:
            return first - healed
    return math.inf
