"""`run`: a screen without sockets gives what a client would have got, with fakes in place of its clients."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import pytest
from annotated_types import Len

from bff import App, BackendUnreachable, Caller, Client, Refusal, Screen, batched, field, needs, section
from bff.composition.inputs import BadInput
from bff.testing import ManualClock, run


class Shop(Client, service="shop"):
    async def name(self, item_id: str) -> str:
        return await self.get("/{id}", str, id=item_id)

    @batched()
    async def price(self, ids: list[str]) -> dict[str, int]:
        return await self.get("/prices", dict[str, int], id=ids)


class FakeShop(Shop):
    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.batches: list[list[str]] = []

    async def name(self, item_id: str) -> str:
        if self.clock is not None:
            await self.clock.sleep(0.4)
        return item_id

    @batched()
    async def price(self, ids: list[str]) -> dict[str, int]:
        self.batches.append(list(ids))
        return {key: len(key) for key in ids}


@dataclass
class Item:
    name: str
    price: int | None = None


@dataclass
class Page:
    item: Item
    others: list[Item] | None = None


@section(timeout=0.5)
async def item(shop: Shop, item_id: str) -> Item:
    return Item(await shop.name(item_id))


@section(fallback=None)
async def others(shop: Shop, tags: Annotated[list[str], Len(max_length=5)] = []) -> list[Item]:  # noqa: B006 - read, never written
    return [Item(tag) for tag in tags]


@field(Item)
async def price(items: list[Item], shop: Shop) -> list[int]:
    return list(await asyncio.gather(*(shop.price(one.name) for one in items)))


SCREEN = Screen("/items/{item_id}", Page(needs(item), needs(others)), apps=(App("mobile"),))


async def test_a_screen_gives_what_a_client_would_have_got() -> None:
    result = await run(SCREEN, fakes=[FakeShop()], inputs={"itemId": "7", "tags": ["a", "b"]})
    assert result.data == {
        "item": {"name": "7", "price": None},
        "others": [{"name": "a", "price": None}, {"name": "b", "price": None}],
    }
    assert result.complete
    assert result.outcome("item").status == "ok"


async def test_item_fields_run_when_they_are_handed_in() -> None:
    result = await run(SCREEN, fakes=[FakeShop()], fields=[price], inputs={"itemId": "abc"})
    assert result.data["item"] == {"name": "abc", "price": 3}


async def test_batches_are_shared_by_all_sections_of_a_run_and_by_no_two_runs() -> None:
    fake = FakeShop()
    inputs: dict[str, str | list[str]] = {"itemId": "a", "tags": ["a", "bb"]}
    for _ in range(2):
        result = await run(SCREEN, fakes=[fake], fields=[price], inputs=inputs)
        assert result.data["others"][1]["price"] == 2
    assert fake.batches == [["a", "bb"], ["a", "bb"]]


async def test_slow_fakes_take_no_time_on_a_clock_of_their_own() -> None:
    clock = ManualClock()
    began = clock.now()
    assert (await run(SCREEN, fakes=[FakeShop(clock)], inputs={"itemId": "7"}, clock=clock)).complete
    assert clock.now() - began == pytest.approx(0.4)


async def test_inputs_that_do_not_fit_are_refused_as_they_would_be() -> None:
    with pytest.raises(BadInput, match="itemId"):
        await run(SCREEN, fakes=[FakeShop()])
    with pytest.raises(BadInput, match="nope"):
        await run(SCREEN, fakes=[FakeShop()], inputs={"itemId": "7", "nope": "1"})


async def test_each_client_has_its_own_fake_in_whatever_order_they_come() -> None:
    class Other(Client, service="other"):
        pass

    result = await run(SCREEN, fakes=[Other(), FakeShop()], inputs={"itemId": "7"})
    assert result.data["item"]["name"] == "7"


async def test_a_fake_that_was_not_handed_in_is_named() -> None:
    with pytest.raises(TypeError, match=r"the screen uses Shop; pass a fake of it: `class FakeShop\(Shop\)`"):
        await run(SCREEN, inputs={"itemId": "7"})


async def test_a_bad_screen_is_refused_as_it_would_be_at_start() -> None:
    @section()
    async def number() -> int:
        return 7

    @dataclass
    class Wrong:
        item: str

    with pytest.raises(Refusal, match=r"Wrong\.item is str, but section 'number' gives int"):
        await run(Screen("/wrong", Wrong(needs(number)), apps=(App("mobile"),)))  # type: ignore[arg-type]  # what is tried


async def test_the_caller_is_a_guest_unless_one_is_given() -> None:
    @section()
    async def who(caller: Caller) -> Item:
        return Item(caller.id or "guest")

    screen = Screen("/who", Page(needs(who)), apps=(App("mobile"),))
    assert (await run(screen)).data["item"]["name"] == "guest"
    assert (await run(screen, caller=Caller("7"))).data["item"]["name"] == "7"


async def test_a_section_that_fails_is_told_with_its_verdict() -> None:
    class Down(FakeShop):
        async def name(self, item_id: str) -> str:
            raise BackendUnreachable("shop")

    result = await run(SCREEN, fakes=[Down()], inputs={"itemId": "7", "sections": "others"})
    assert result.data == {"others": []}

    @section(fallback=lambda: Item("spare"))
    async def spare(shop: Shop) -> Item:
        return Item(await shop.name("7"))

    failed = await run(Screen("/x", Page(needs(spare)), apps=(App("mobile"),)), fakes=[Down()])
    assert failed.data["item"]["name"] == "spare"
    assert not failed.complete
    assert failed.outcome("item").status == "fallback"
