"""A batch that fails in the very turn its waiters are cut: nothing of it is left for asyncio to complain of."""

import asyncio
import gc

import pytest

from bff import BackendUnreachable, Client, Missing, batched


class Shop(Client, service="shop"):
    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @batched()
    async def name(self, ids: list[str]) -> dict[str, str]:
        self.asked.set()
        await self.broken
        return {}


async def test_errors_that_arrive_as_their_waiters_are_cut_are_not_reported_as_forgotten() -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    shop = Shop()
    working = asyncio.create_task(shop.name.many(["1", "2", "3"]))
    await shop.asked.wait()
    shop.broken.set_exception(BackendUnreachable("shop"))
    await asyncio.sleep(0)  # the batch has failed, its waiter has not been told
    working.cancel()
    await asyncio.wait([working])
    assert working.cancelled()
    del shop, working
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


class Gone(Client, service="shop"):
    """A service whose batch endpoint itself is not there."""

    @batched()
    async def name(self, ids: list[str]) -> dict[str, str]:
        raise Missing("shop", "/names: status 404")


async def test_a_batch_that_is_missing_as_a_whole_is_not_taken_for_an_answer_without_those_keys() -> None:
    """Else a service that lost its route would leave items empty, and the screen would be called complete."""
    with pytest.raises(Missing, match="status 404"):
        await Gone().name.many(["1", "2"])
