"""Equal plain GETs of one request are one call, and nobody who leaves, fails, is late or changes its value harms the others."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from random import Random
from types import NoneType

import msgspec
import pytest

from bff import BackendBusy, BackendError, BackendTimeout, BackendUnreachable, Client, Missing
from bff.deadline import Deadline, set_deadline
from bff.errors import Hopeless
from bff.upstream.call import Call, Reply
from bff.upstream.reads import Read
from bff.upstream.scope import RequestScope
from bff.upstream.service import Service
from bff.upstream.stats import ServiceStats
from tests.upstream.calls import turns


class Product(msgspec.Struct):
    name: str
    tags: list[str] = []


class Label(msgspec.Struct):
    name: str


class Shop(Client, service="shop"):
    async def product(self, sku: str) -> Product:
        return await self.get("/products/{sku}", Product, sku=sku)

    async def label(self, sku: str) -> Label:
        return await self.get("/products/{sku}", Label, sku=sku)

    async def touch(self, sku: str) -> None:
        await self.get("/products/{sku}", NoneType, sku=sku)

    async def rename(self, sku: str) -> None:
        await self.put("/products/{sku}", NoneType, Label("new"), sku=sku)


class Stock(Client, service="stock"):
    async def touch(self, sku: str) -> None:
        await self.get("/products/{sku}", NoneType, sku=sku)


LAMP = Reply(200, [], b'{"name": "lamp", "tags": ["warm"]}')


class Backend:
    """A Sender whose answers wait until the test lets them go."""

    def __init__(self, answer: Callable[[Call], Awaitable[Reply]] | None = None) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.open: list[asyncio.Future[Reply]] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.answer is not None:
            return await self.answer(call)
        self.open.append(asyncio.get_running_loop().create_future())
        return await self.open[-1]

    async def close(self) -> None:
        pass

    @property
    def targets(self) -> list[str]:
        return [f"{call.method} {call.target}" for call in self.calls]


class Request:
    """One request's scope, its clients, and sections that use them."""

    def __init__(self, backend: Backend) -> None:
        self.scope, self.stats, self.backend = RequestScope(), ServiceStats(), backend
        self.shop = Shop(Service("shop", backend, stats=self.stats), self.scope)
        self.stock = Stock(Service("stock", backend), self.scope)

    def section(self, method: Callable[[str], Awaitable[object]], sku: str, seconds: float = 5.0) -> "asyncio.Task[object]":
        async def run() -> object:
            set_deadline(Deadline.after(seconds))
            return await method(sku)

        return asyncio.ensure_future(run())


async def plain(call: Call) -> Reply:
    return Reply(200, [], LAMP.body)


async def test_sections_that_read_the_same_make_one_call_and_have_a_value_each() -> None:
    request = Request(Backend())
    reading = [request.section(request.shop.product, "7") for _ in range(3)]
    await turns()
    request.backend.open[0].set_result(LAMP)
    values = [await one for one in reading]
    assert values == [Product("lamp", ["warm"])] * 3
    assert request.backend.targets == ["GET /products/7"]
    assert (len(request.scope.records), request.stats.coalesced) == (1, 2)
    first = values[0]
    assert isinstance(first, Product)
    first.tags.append("mine")
    assert values[1:] == [Product("lamp", ["warm"])] * 2
    assert await request.shop.product("7") == Product("lamp", ["warm"]), "read later, and still the same call"
    assert len(request.backend.calls) == 1


async def test_what_differs_in_target_type_or_service_is_not_the_same_read() -> None:
    request = Request(Backend(plain))
    await request.shop.product("7")
    await request.shop.product("8")
    await request.shop.label("7")
    await request.shop.touch("7")
    await request.stock.touch("7")
    assert len(request.backend.calls) == 5
    await request.stock.touch("7")
    assert len(request.backend.calls) == 5


async def test_another_request_reads_for_itself() -> None:
    backend = Backend(plain)
    for _ in range(2):
        await Request(backend).shop.product("7")
    assert len(backend.calls) == 2


async def test_after_a_write_its_service_is_asked_again_and_others_are_not() -> None:
    request = Request(Backend(plain))
    await request.shop.touch("7")
    await request.stock.touch("7")
    await request.shop.rename("7")
    await request.shop.touch("7")
    await request.stock.touch("7")
    assert request.backend.targets == ["GET /products/7", "GET /products/7", "PUT /products/7", "GET /products/7"]


async def test_a_read_that_began_before_a_write_ended_is_not_for_who_asks_after_it() -> None:
    request = Request(Backend())
    before = request.section(request.shop.product, "7")
    await turns()
    writing = request.section(request.shop.rename, "7")
    await turns()
    request.backend.open[1].set_exception(BackendUnreachable("shop"))  # it may have been done all the same
    with pytest.raises(BackendUnreachable):
        await writing
    after = request.section(request.shop.product, "7")
    await turns()
    for answer in (request.backend.open[0], request.backend.open[2]):
        answer.set_result(LAMP)
    assert await before == await after
    assert len(request.backend.calls) == 3


async def test_when_the_first_one_is_cut_another_one_asks_and_the_rest_wait_for_it() -> None:
    request = Request(Backend())
    reading = [request.section(request.shop.product, "7") for _ in range(3)]
    await turns()
    reading[0].cancel()
    await turns()
    assert len(request.backend.calls) == 2
    request.backend.open[1].set_result(LAMP)
    assert [await one for one in reading[1:]] == [Product("lamp", ["warm"])] * 2
    assert [record.result for record in request.scope.records] == ["cancelled", "200"]


async def test_one_who_waits_and_leaves_changes_nothing() -> None:
    request = Request(Backend())
    reading = [request.section(request.shop.product, "7") for _ in range(3)]
    await turns()
    reading[1].cancel()
    await turns()
    request.backend.open[0].set_result(LAMP)
    assert [await one for one in (reading[0], reading[2])] == [Product("lamp", ["warm"])] * 2
    assert reading[1].cancelled()
    assert len(request.backend.calls) == 1


@pytest.mark.parametrize("error", [BackendUnreachable("shop"), BackendTimeout("shop"), BackendBusy("shop")], ids=repr)
async def test_all_who_wait_get_the_error_and_who_comes_later_asks_again(error: BackendError) -> None:
    request = Request(Backend())
    reading = [request.section(request.shop.product, "7") for _ in range(3)]
    await turns()
    request.backend.open[0].set_exception(error)
    for one in reading:
        with pytest.raises(type(error)) as caught:
            await one
        assert caught.value is error
    later = request.section(request.shop.product, "7")
    await turns()
    request.backend.open[1].set_result(LAMP)
    assert await later == Product("lamp", ["warm"])


async def test_an_answer_that_is_none_is_shared_but_not_kept() -> None:
    request = Request(Backend())
    reading = [request.section(request.shop.product, "7") for _ in range(2)]
    await turns()
    request.backend.open[0].set_result(Reply(404))
    for one in reading:
        with pytest.raises(Missing):
            await one
    assert len(request.backend.calls) == 1
    assert request.scope.reads == {}


@pytest.mark.parametrize("error", [BackendTimeout("shop"), Hopeless("shop")], ids=repr)
async def test_who_has_more_time_than_the_first_one_had_asks_again(error: BackendError) -> None:
    request = Request(Backend())
    hasty = request.section(request.shop.product, "7", 0.2)
    await turns()
    patient = request.section(request.shop.product, "7", 0.6)
    await turns()
    request.backend.open[0].set_exception(error)
    with pytest.raises(type(error)):
        await hasty
    await turns()
    request.backend.open[1].set_result(LAMP)
    assert await patient == Product("lamp", ["warm"])


async def test_who_waits_has_a_time_of_its_own() -> None:
    request = Request(Backend())
    patient = request.section(request.shop.product, "7")
    await turns()
    async with asyncio.timeout(2):
        with pytest.raises(BackendTimeout, match="its time was up while an equal call was under way"):
            await request.shop.under(timeout=0.02).product("7")
    request.backend.open[0].set_result(LAMP)
    assert await patient == Product("lamp", ["warm"])
    assert len(request.backend.calls) == 1


async def test_nothing_is_left_to_the_garbage_collector() -> None:
    """A worker seldom looks for circles (server/memory.py), so a failure must make none either."""

    def reads() -> int:
        return sum(type(found) is Read for found in gc.get_objects())

    async def fails(call: Call) -> Reply:
        await turns()
        raise BackendUnreachable("shop")

    gc.collect()
    gc.disable()
    try:
        before = reads()
        request = Request(Backend(fails))
        reading = [request.section(request.shop.product, "7") for _ in range(2)]
        await asyncio.wait(reading)
        assert all(isinstance(one.exception(), BackendUnreachable) for one in reading)
        request.backend.answer = plain
        for _ in range(2):
            await request.shop.product("7")
        assert reads() > before
        del request, reading
        assert reads() == before
    finally:
        gc.enable()


async def test_ten_thousand_cancels_at_random_moments_reach_nobody_else() -> None:
    """F40, for the reads of one request."""
    chance = Random(40)
    before = len(asyncio.all_tasks())
    backend = Backend()
    cancelled, kept = 0, 0
    while cancelled < 10_000:
        request = Request(backend)
        here = [request.section(request.shop.product, str(chance.randrange(3))) for _ in range(20)]
        await turns(chance.randrange(4))
        leaving = set(chance.sample(range(20), 15))
        for index in leaving:
            if chance.random() < 0.5:
                await asyncio.sleep(0)
            here[index].cancel()
        while not all(one.done() for one in here):
            await asyncio.sleep(0)
            for answer in backend.open:
                if answer.done() or chance.random() < 0.5:
                    continue
                if chance.random() < 0.7:
                    answer.set_result(LAMP)
                else:
                    answer.set_exception(BackendUnreachable("shop"))
            backend.open = [answer for answer in backend.open if not answer.done()]
        for index, one in enumerate(here):
            if index in leaving:
                cancelled += one.cancelled()
            else:
                kept += 1
                assert not one.cancelled()
            if not one.cancelled():
                assert one.exception() is None or isinstance(one.exception(), BackendUnreachable)
    assert kept > 3_000
    assert len(asyncio.all_tasks()) == before
