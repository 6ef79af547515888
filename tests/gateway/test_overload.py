"""F25: ten times the load that a gateway has places for (50 x 100 ms = 500 a second), by hand-run time and a fixed seed."""

import asyncio
from collections.abc import Iterator
from random import Random

from bff.priority import Priority
from bff.settings import ShedSettings
from bff.testing import ManualClock
from tests.gateway.overload_kit import TAKES, Shop

PLACES = 50
CAPACITY = PLACES / TAKES
OFFERED = 10 * CAPACITY
LASTS = 3.0
# Of the offered requests, as they come: most are normal; the critical ones alone are a tenth of the capacity.
MIX: tuple[tuple[Priority, float], ...] = (("critical", 0.01), ("high", 0.04), ("normal", 0.85), ("low", 0.10))
NAMES: list[Priority] = [name for name, _ in MIX]


def arrivals(random: Random, since: float, rate: float, seconds: float) -> Iterator[tuple[float, Priority]]:
    """Open loop: nobody waits for an answer before the next one asks."""
    at = since + random.expovariate(rate)
    while at < since + seconds:
        yield at, random.choices(NAMES, [share for _, share in MIX])[0]
        at += random.expovariate(rate)


async def test_f25_ten_times_the_load_is_served_to_capacity_and_critical_requests_are_kept() -> None:
    clock, random = ManualClock(), Random(25)
    shop = Shop(clock, ShedSettings(max_in_flight=PLACES))
    shop.pressure.start()
    tasks: set[asyncio.Task[object]] = set()

    def ask(priority: Priority) -> None:
        tasks.add(asyncio.create_task(shop.ask(priority)))

    began = clock.now()
    for at, priority in arrivals(random, began, OFFERED, LASTS):
        clock.call_at(at, ask, priority)
    await clock.advance(LASTS + TAKES)
    over = clock.now()
    served = [one for one in shop.asked if one.reply.status == 200]
    refused = [one for one in shop.asked if one.reply.status == 503]
    assert len(served) + len(refused) == len(shop.asked) > 0.95 * OFFERED * LASTS
    assert len(served) >= 0.9 * CAPACITY * LASTS
    assert sorted(one.took for one in served)[int(len(served) * 0.99)] <= 2 * TAKES
    assert max(one.took for one in refused) == 0
    critical = shop.statuses("critical")
    assert critical[200] >= 0.99 * critical.total()
    assert shop.pressure.level == 1  # optional sections are left off; the places themselves refuse the rest

    await clock.advance(5 - TAKES)
    assert clock.now() - over < 5
    assert (shop.pressure.level, shop.pressure.in_flight) == (0, 0)
    for priority, _ in MIX:
        reply = await clock.drive(shop.ask(priority))
        assert (reply.status, reply.json["meta"]["complete"]) == (200, True)
