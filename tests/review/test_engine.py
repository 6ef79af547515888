"""What a section may do that looks like a bug or a hang and is neither."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import pytest

from bff import App, BackendTimeout, BackendUnreachable, Screen, needs, section
from bff.composition.engine import SectionFailed
from bff.testing import ManualClock, run

APP = App("mobile")


@dataclass
class Page:
    head: str | None


@dataclass
class Both:
    body: str | None
    head: str


def page(head: object, budget: float = 1.0) -> Screen:
    return Screen("/page", Page(head), apps=(APP,), budget=budget)  # type: ignore[arg-type]  # a marker


async def fail(error: Exception) -> str:
    raise error


async def test_a_backend_that_fails_inside_a_task_group_is_a_backend_that_failed() -> None:
    @section(fallback=None)
    async def head() -> str:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(fail(BackendUnreachable("shop")))
            second = group.create_task(asyncio.sleep(1, "late"))
        return first.result() + second.result()

    result = await run(page(needs(head)))
    assert result.data == {"head": None}
    assert (result.outcome("head").reason, result.outcome("head").service) == ("unreachable", "shop")


async def test_a_bug_inside_a_task_group_stays_a_bug_though_a_backend_failed_beside_it() -> None:
    @section(fallback=None)
    async def head() -> str:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(BackendTimeout("shop")))
            group.create_task(fail(KeyError("ours")))
        return ""

    with pytest.raises(ExceptionGroup):
        await run(page(needs(head)))


async def test_a_section_that_swallows_its_cancellation_once_is_cut_again() -> None:
    """Python 3.11's wait_for does: it returns the result that came in the same turn."""
    clock = ManualClock()

    @section(timeout=0.1, fallback=None)
    async def head() -> str:
        await _deaf_once(clock.sleep(5))
        await clock.sleep(5)
        return "late"

    began = clock.now()
    result = await run(page(needs(head)), clock=clock)
    assert result.outcome("head").status == "timeout"
    assert clock.now() - began < 0.15


async def _deaf_once(work: Awaitable[None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        return


@pytest.mark.parametrize("budget", [0.165, 0.1, 0.04])
async def test_a_small_budget_is_shared_between_a_section_and_its_fallback(budget: float) -> None:
    """What the fallback is kept is never all there is: a backend that is quick is asked."""

    @section(fallback=None)
    async def head() -> str:
        return "fresh"

    @head.fallback
    async def stale() -> str:
        return "stand-in"

    result = await run(page(needs(head)), deadline=budget, clock=ManualClock())
    assert (result.data, result.complete) == ({"head": "fresh"}, True)


async def test_a_section_that_swallows_its_cancellation_does_not_outlive_a_screen_that_failed() -> None:
    ended = asyncio.Event()

    @section(fallback=None)
    async def body() -> str:
        try:
            await _deaf_once(asyncio.sleep(60))
            await asyncio.sleep(60)
        finally:
            ended.set()
        return "late"

    @section()
    async def head() -> str:
        raise BackendUnreachable("shop")

    began = asyncio.get_running_loop().time()
    with pytest.raises(SectionFailed):
        await run(Screen("/both", Both(needs(body), needs(head)), apps=(APP,)))
    assert ended.is_set()
    assert asyncio.get_running_loop().time() - began < 0.5
