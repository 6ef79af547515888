"""A failure leaves no circle of references: the collector looks seldom, and then stops the worker for tens of milliseconds.

Found by F24 and F01: errors whose tracebacks held the frame that held the error kept 150 objects a failed section alive.
"""

import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from bff.composition.engine import SectionFailed
from bff.deadline import Deadline
from bff.errors import BackendError, BackendTimeout
from bff.service_settings import ServiceSettings
from bff.testing import Fault, StubReply, StubService, run
from bff.upstream import pipe
from bff.upstream.call import Call
from tests.faults.rig.project.clients import Account, Cart, News, Part, Picks, Ratings
from tests.faults.rig.project.composers.board import board

PART = Part("rig", 0, [])


class GoodAccount(Account):
    async def part(self) -> Part:
        return PART


class BadAccount(Account):
    async def part(self) -> Part:
        raise BackendTimeout("account")


class GoodCart(Cart):
    async def part(self) -> Part:
        return PART


class BadPicks(Picks):
    async def part(self) -> Part:
        raise BackendTimeout("picks")


class GoodRatings(Ratings):
    async def part(self) -> Part:
        return PART


class GoodNews(News):
    async def part(self) -> Part:
        return PART


async def left_by(work: Callable[[], Awaitable[object]]) -> list[object]:
    """The failures that only the collector could free; each has its traceback and all that its frames hold with it."""
    await work()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(5):
            await work()
        gc.collect()
        return [left for left in gc.garbage if isinstance(left, BackendError | SectionFailed)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("account", [GoodAccount, BadAccount], ids=["optional", "required"])
async def test_a_failed_section_leaves_none(account: type[Account]) -> None:
    fakes = (account(), GoodCart(), BadPicks(), GoodRatings(), GoodNews())

    async def screen() -> None:
        with suppress(SectionFailed):
            await run(board, fakes=fakes)

    assert await left_by(screen) == []


async def test_a_call_that_ran_out_of_time_leaves_none() -> None:
    async with StubService(lambda _: StubReply()) as stub:
        settings = ServiceSettings(instances=[f"http://{stub.address}"], skip_hopeless=False)
        service = pipe.service("picks", settings)
        stub.fault = Fault("hang")

        async def call() -> None:
            with suppress(BackendTimeout):
                await service.sender.send(Call("picks", "GET", "/", Deadline.after(0.02)))

        assert await left_by(call) == []
        await service.close()
