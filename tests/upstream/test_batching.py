"""`@batched`: what travels together, and that nobody who leaves, fails or is late harms the others (F40, S143)."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable

import pytest

from bff import BackendTimeout, BackendUnreachable, Client, Missing, batched
from bff.deadline import Deadline, current_deadline, set_deadline
from bff.testing import ManualClock, StubReply, StubRequest, StubService, client_of
from bff.upstream.scope import RequestScope


class Shop(Client, service="shop"):
    """A real client: one GET a batch."""

    @batched(max_size=50)
    async def product(self, skus: list[str], currency: str = "EUR") -> dict[str, str]:
        found = await self.get("/products", list[str], sku=skus, currency=currency)
        return {name.partition(" ")[0]: name for name in found}


class FakeShop(Shop):
    """Answers `<sku> in <currency>` for every sku that does not begin with `no`, after `before` if it is given."""

    def __init__(self, before: Callable[[list[str]], Awaitable[None]] | None = None) -> None:
        super().__init__()
        self.before = before
        self.asked: list[list[str]] = []
        self.deadlines: list[Deadline | None] = []
        self.cancelled = 0

    @batched(max_size=50)
    async def product(self, skus: list[str], currency: str = "EUR") -> dict[str, str]:
        self.asked.append(list(skus))
        self.deadlines.append(current_deadline())
        if self.before is not None:
            try:
                await self.before(skus)
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    self.cancelled += 1
                raise
        return {sku: f"{sku} in {currency}" for sku in skus if not sku.startswith("no")}


async def turns(count: int = 20) -> None:
    """Let everything that waits for nothing come to rest."""
    for _ in range(count):
        await asyncio.sleep(0)


def within(deadline: Deadline, work: Awaitable[str]) -> "asyncio.Task[str]":
    """A task under a deadline, as the engine gives one to a section."""

    async def run() -> str:
        set_deadline(deadline)
        return await work

    return asyncio.ensure_future(run())


# What travels together


async def test_the_calls_of_one_tick_are_one_call_and_each_has_its_own_value() -> None:
    shop = FakeShop()
    values = list(await asyncio.gather(*(shop.product(sku) for sku in "abc")))
    assert values == ["a in EUR", "b in EUR", "c in EUR"]
    assert shop.asked == [["a", "b", "c"]]


async def test_a_list_of_100_items_by_10_authors_makes_one_call_for_10_keys() -> None:
    shop = FakeShop()
    values = await asyncio.gather(*(shop.product(f"author{index % 10}") for index in range(100)))
    assert values[37] == "author7 in EUR"
    assert shop.asked == [[f"author{index}" for index in range(10)]]


async def test_one_batch_is_one_request_to_the_backend() -> None:
    def answer(request: StubRequest) -> StubReply:
        return StubReply.json([f"{sku} fine" for sku in request.query["sku"]])

    async with StubService(answer) as stub, client_of(Shop, stub) as shop:
        assert list(await asyncio.gather(shop.product("a"), shop.product("b"))) == ["a fine", "b fine"]
        assert [record.target for record in stub.seen] == ["/products?sku=a&sku=b&currency=EUR"]


async def test_a_value_that_was_had_is_not_asked_for_again_in_its_request() -> None:
    shop = FakeShop()
    assert await shop.product("a") == await shop.product("a")
    assert shop.asked == [["a"]]


async def test_a_key_asked_for_while_its_batch_is_at_work_joins_it() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    first = asyncio.ensure_future(shop.product("a"))
    await turns()
    second = asyncio.ensure_future(shop.product("a"))
    await turns()
    gate.set()
    assert await first == await second == "a in EUR"
    assert shop.asked == [["a"]]


async def _opened(gate: asyncio.Event) -> None:
    await gate.wait()


async def test_further_arguments_keep_batches_apart_however_they_are_given() -> None:
    shop = FakeShop()
    values = list(await asyncio.gather(shop.product("a"), shop.product("a", "USD"), shop.product("b", currency="USD")))
    assert values == ["a in EUR", "a in USD", "b in USD"]
    assert sorted(shop.asked) == [["a"], ["a"], ["b"]]


async def test_no_call_takes_more_keys_than_the_most() -> None:
    shop = FakeShop()
    found = await shop.product.many(str(index) for index in range(120))
    assert found == {str(index): f"{index} in EUR" for index in range(120)}
    assert [len(keys) for keys in shop.asked] == [50, 50, 20]


async def test_many_asks_for_each_key_once_and_leaves_out_what_is_missing() -> None:
    shop = FakeShop()
    assert await shop.product.many(["a", "none", "a", "b"]) == {"a": "a in EUR", "b": "b in EUR"}
    assert shop.asked == [["a", "none", "b"]]
    assert await shop.product.many([]) == {}
    assert len(shop.asked) == 1


async def test_a_fake_that_overrides_the_batched_method_is_called_as_the_client_would_be() -> None:
    async def screen(shop: Shop) -> list[str]:
        return list(await asyncio.gather(shop.product("a"), shop.product("b", "USD")))

    fake = FakeShop()
    assert await screen(fake) == ["a in EUR", "b in USD"]
    assert fake.asked == [["a"], ["b"]]


# What fails


async def test_an_absent_key_is_missing_for_its_own_waiter_only() -> None:
    shop = FakeShop()
    values = await asyncio.gather(shop.product("a"), shop.product("none"), shop.product("b"), return_exceptions=True)
    assert values[0] == "a in EUR"
    assert isinstance(values[1], Missing)
    assert values[1].service == "shop"
    assert values[2] == "b in EUR"


async def test_what_fails_the_batch_reaches_all_who_wait_and_is_not_kept() -> None:
    failing = True

    async def fail(_: list[str]) -> None:
        if failing:
            raise BackendUnreachable("shop")

    shop = FakeShop(fail)
    values = await asyncio.gather(*(shop.product(sku) for sku in "abc"), shop.product.many("ab"), return_exceptions=True)
    assert [type(value) for value in values] == [BackendUnreachable] * 4
    failing = False
    assert await shop.product("a") == "a in EUR"


async def test_a_bug_in_the_batch_reaches_its_waiters_as_it_is() -> None:
    async def bug(_: list[str]) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        await FakeShop(bug).product("a")


async def test_a_cancellation_that_a_library_made_up_is_a_backends_failure_and_leaves_nobody_waiting() -> None:
    """grpc.aio raises CancelledError of its own when its channel closes."""

    async def cut(_: list[str]) -> None:
        raise asyncio.CancelledError

    shop = FakeShop(cut)
    async with asyncio.timeout(5):
        values = await asyncio.gather(shop.product("a"), shop.product("b"), return_exceptions=True)
    assert [type(value) for value in values] == [BackendUnreachable] * 2


async def test_a_failure_that_nobody_waits_for_any_more_is_not_reported_as_lost() -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    gate = asyncio.Event()

    async def fail(_: list[str]) -> None:
        await gate.wait()
        raise BackendUnreachable("shop")

    shop = FakeShop(fail)
    left, stayed = asyncio.ensure_future(shop.product("a")), asyncio.ensure_future(shop.product("b"))
    await turns()
    left.cancel()
    await turns()
    gate.set()
    with pytest.raises(BackendUnreachable):
        await stayed
    shop.scope.loaders.clear()
    del shop, left, stayed
    gc.collect()
    assert reported == []


# Who leaves


async def test_a_waiter_that_is_cancelled_leaves_its_siblings_their_values() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    same = [asyncio.ensure_future(shop.product("a")) for _ in range(3)]
    other = asyncio.ensure_future(shop.product("b"))
    await turns()
    same[0].cancel()
    await turns()
    assert same[0].cancelled()
    gate.set()
    assert [await same[1], await same[2], await other] == ["a in EUR", "a in EUR", "b in EUR"]
    assert shop.cancelled == 0


async def test_10_000_cancellations_leak_no_cancelled_error_into_a_sibling() -> None:
    """F40: every waiter that was not cancelled has its value, whenever the others went."""
    chance = random.Random(7)
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    cancelled = kept = 0

    async def slowly(_: list[str]) -> None:
        await turns(chance.randrange(6))

    async def wait(shop: Shop) -> None:
        await turns(chance.randrange(6))
        if chance.random() < 0.2:
            keys = [str(chance.randrange(12)) for _ in range(3)]
            assert await shop.product.many(keys) == {key: f"{key} in EUR" for key in keys}
        else:
            key = str(chance.randrange(12))
            assert await shop.product(key) == f"{key} in EUR"

    while cancelled < 10_000:
        shop = FakeShop(slowly)
        waiters = [asyncio.ensure_future(wait(shop)) for _ in range(40)]
        leavers = set(chance.sample(waiters, chance.choice((20, 38, 40))))
        for waiter in leavers:
            await turns(chance.randrange(2))
            waiter.cancel()
        await asyncio.wait(waiters)
        for waiter in waiters:
            if waiter.cancelled():
                assert waiter in leavers
                cancelled += 1
            else:
                waiter.result()
                kept += 1
    assert kept > 1_000
    await turns()
    assert len(asyncio.all_tasks()) == 1, "batches outlive their waiters"
    assert reported == []


async def test_a_batch_that_nobody_waits_for_is_cancelled_and_a_later_load_asks_anew() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    waiters = [asyncio.ensure_future(shop.product(sku)) for sku in "ab"]
    await turns()
    for waiter in waiters:
        waiter.cancel()
    anew = asyncio.ensure_future(shop.product("a"))  # in the very turn in which the batch is being cancelled
    await turns()
    assert shop.cancelled == 1
    gate.set()
    assert await anew == "a in EUR"
    assert await shop.product("b") == "b in EUR"
    assert shop.asked == [["a", "b"], ["a"], ["b"]]


async def test_the_backend_sees_the_connection_of_an_abandoned_batch_close() -> None:
    async def never(_: StubRequest) -> StubReply:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never done

    async with StubService(never) as stub, client_of(Shop, stub) as shop:
        waiter = asyncio.ensure_future(shop.product("a"))
        await stub.wait_for(lambda: stub.counters.calls == 1)
        waiter.cancel()
        await stub.wait_for(lambda: stub.counters.cancels == 1)
        assert stub.counters.open_connections == 0
        stub.handler = lambda _: StubReply.json(["a anew"])
        assert await shop.product("a") == "a anew"


async def test_keys_whose_waiters_left_before_the_call_are_not_asked_for() -> None:
    shop = FakeShop()
    left, stayed = asyncio.ensure_future(shop.product("a")), asyncio.ensure_future(shop.product("b"))
    await asyncio.sleep(0)  # both are queued, nothing is asked yet
    left.cancel()
    assert await stayed == "b in EUR"
    assert shop.asked == [["b"]]
    assert await shop.product("a") == "a in EUR"


async def test_a_batch_whose_waiters_all_left_before_the_call_calls_nobody() -> None:
    shop = FakeShop()
    waiters = [asyncio.ensure_future(shop.product(sku)) for sku in "ab"]
    await asyncio.sleep(0)
    for waiter in waiters:
        waiter.cancel()
    await turns()
    assert shop.asked == []
    assert await shop.product("a") == "a in EUR"


async def test_a_key_left_and_wanted_again_before_the_call_is_asked_for_once() -> None:
    shop = FakeShop()
    left = asyncio.ensure_future(shop.product("a"))
    await asyncio.sleep(0)
    left.cancel()
    again = asyncio.ensure_future(shop.product("a"))
    assert await again == "a in EUR"
    assert shop.asked == [["a"]]


async def test_a_key_wanted_again_while_its_cancelled_batch_takes_its_time_is_asked_for_once() -> None:
    gate, ending = asyncio.Event(), asyncio.Event()

    async def ends_slowly(_: list[str]) -> None:
        try:
            await gate.wait()
        finally:
            if not gate.is_set():
                await ending.wait()

    shop = FakeShop(ends_slowly)
    first = asyncio.ensure_future(shop.product("a"))
    await turns()
    first.cancel()
    await turns()
    left = asyncio.ensure_future(shop.product("a"))
    await asyncio.sleep(0)
    left.cancel()
    again = asyncio.ensure_future(shop.product("a"))
    gate.set()
    assert await again == "a in EUR"
    assert shop.asked == [["a"], ["a"]]
    ending.set()
    await turns()


async def test_many_that_named_a_key_twice_leaves_it_whole_when_it_is_cancelled() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    many = asyncio.ensure_future(shop.product.many(["a", "a"]))
    await turns()
    many.cancel()
    await turns()
    assert shop.cancelled == 1


async def test_of_two_chunks_only_the_abandoned_one_is_cancelled() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    keys = [str(index) for index in range(60)]
    waiters = [asyncio.ensure_future(shop.product(key)) for key in keys]
    await turns()
    assert [len(asked) for asked in shop.asked] == [50, 10]
    for waiter in waiters[50:]:
        waiter.cancel()
    await turns()
    assert shop.cancelled == 1
    gate.set()
    assert await asyncio.gather(*waiters[:50]) == [f"{key} in EUR" for key in keys[:50]]


async def test_many_that_is_cancelled_ends_its_chunks_but_not_what_another_waits_for() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    keys = [str(index) for index in range(60)]
    many = asyncio.ensure_future(shop.product.many(keys))
    one = asyncio.ensure_future(shop.product("55"))
    await turns()
    many.cancel()
    await turns()
    assert shop.cancelled == 1
    gate.set()
    assert await one == "55 in EUR"


async def test_a_batch_that_ends_as_its_last_waiter_leaves_keeps_its_values() -> None:
    gate = asyncio.Event()
    shop = FakeShop(lambda _: _opened(gate))
    waiter = asyncio.ensure_future(shop.product("a"))
    await turns()
    gate.set()
    await asyncio.sleep(0)  # the batch has its values, its waiter has not been told
    waiter.cancel()
    await turns()
    assert shop.cancelled == 0
    assert await shop.product("a") == "a in EUR"
    assert shop.asked == [["a"]]


# Time


async def test_a_batch_has_the_deadline_of_its_longest_waiter_and_the_next_one_its_own() -> None:
    clock = ManualClock()
    shop = FakeShop()
    short, long = Deadline.after(0.2, clock), Deadline.after(0.5, clock)
    await asyncio.gather(within(short, shop.product("a")), within(long, shop.product("b")))
    await within(short, shop.product("c"))
    assert [found.at for found in shop.deadlines if found] == [long.at, short.at]


async def test_a_waiter_without_a_deadline_is_the_longest_there_is() -> None:
    shop = FakeShop()
    await asyncio.gather(within(Deadline.after(0.2), shop.product("a")), asyncio.ensure_future(shop.product("b")))
    assert shop.deadlines == [None]


async def test_the_deadlines_of_two_chunks_are_those_of_their_own_waiters() -> None:
    clock = ManualClock()
    shop = FakeShop()
    short, long = Deadline.after(0.2, clock), Deadline.after(0.5, clock)
    waiters = [within(long if index < 50 else short, shop.product(str(index))) for index in range(60)]
    await asyncio.gather(*waiters)
    assert [found.at for found in shop.deadlines if found] == [long.at, short.at]


def timing_out(clock: ManualClock) -> FakeShop:
    """A shop that hangs: its calls end by their deadline, as they do on the wire."""

    async def hang(_: list[str]) -> None:
        deadline = current_deadline()
        assert deadline is not None
        if len(shop.asked) == 1:
            await clock.sleep(deadline.left())
            raise BackendTimeout("shop")

    shop = FakeShop(hang)
    return shop


@pytest.mark.parametrize("many", [False, True])
async def test_a_late_waiter_with_more_time_outlives_the_batch_that_it_joined(many: bool) -> None:
    """Else a short section would cut a long one that happens to want the same key."""
    clock = ManualClock()
    shop = timing_out(clock)

    async def late() -> str:
        return (await shop.product.many(["a"]))["a"] if many else await shop.product("a")

    early = within(Deadline.after(0.2, clock), shop.product("a"))
    await clock.advance(0.1)
    joined = within(Deadline.after(0.7, clock), late())
    await clock.advance(0.05)
    assert shop.asked == [["a"]]
    await clock.advance(0.1)
    with pytest.raises(BackendTimeout):
        await early
    assert await joined == "a in EUR"
    assert shop.asked == [["a"], ["a"]]


async def test_a_waiter_whose_own_time_is_up_does_not_ask_again() -> None:
    clock = ManualClock()
    shop = timing_out(clock)
    early = within(Deadline.after(0.2, clock), shop.product("a"))
    await clock.advance(0.1)
    joined = within(Deadline.after(0.05, clock), shop.product("a"))
    await clock.advance(0.2)
    for waiter in (early, joined):
        with pytest.raises(BackendTimeout):
            await waiter
    assert len(shop.asked) == 1


async def test_a_timeout_that_was_not_the_batchs_own_is_not_asked_again() -> None:
    """The service's own timeout is the same for everybody."""
    clock = ManualClock()

    async def slow(_: list[str]) -> None:
        await clock.sleep(0.2)
        raise BackendTimeout("shop")

    shop = FakeShop(slow)
    early = within(Deadline.after(0.5, clock), shop.product("a"))
    await clock.advance(0.1)
    late = within(Deadline.after(0.7, clock), shop.product("a"))
    await clock.advance(0.2)
    for waiter in (early, late):
        with pytest.raises(BackendTimeout):
            await waiter
    assert len(shop.asked) == 1


async def test_a_timeout_that_the_backend_reports_of_one_key_is_its_value() -> None:
    clock = ManualClock()

    class Reports(Client, service="shop"):
        @batched()
        async def product(self, skus: list[str]) -> dict[str, str]:
            await clock.sleep(0.2)
            return dict.fromkeys(skus, BackendTimeout("shop"))  # type: ignore[arg-type]  # an error stands for a value

    shop = Reports()
    early = within(Deadline.after(0.2, clock), shop.product("a"))
    await clock.advance(0.1)
    late = within(Deadline.after(0.7, clock), shop.product("a"))
    await clock.advance(0.1)
    for waiter in (early, late):
        with pytest.raises(BackendTimeout):
            await waiter


# Whose


async def test_the_loads_of_two_requests_never_mix() -> None:
    """S143: 10,000 interleaved loads of two callers, 0 crossings."""

    class Orders(Client, service="orders"):
        def __init__(self, user: str, scope: RequestScope) -> None:
            super().__init__(scope=scope)
            self.user = user

        @batched()
        async def order(self, ids: list[int]) -> dict[int, str]:
            await turns(2)
            return {key: f"{self.user}'s {key}" for key in ids}

    crossings = 0

    async def load(orders: Orders, key: int) -> None:
        nonlocal crossings
        crossings += await orders.order(key) != f"{orders.user}'s {key}"

    ada, ben = Orders("ada", RequestScope()), Orders("ben", RequestScope())
    for start in range(0, 5_000, 250):
        await asyncio.gather(*(load(who, key) for key in range(start, start + 250) for who in (ada, ben)))
    assert crossings == 0
    assert len(ada.scope.loaders) == len(ben.scope.loaders) == 1


async def test_two_clients_of_one_request_share_no_batch_of_the_same_name() -> None:
    class Other(FakeShop):
        pass

    scope = RequestScope()
    one, other = FakeShop(), Other()
    one.scope = other.scope = scope
    await asyncio.gather(one.product("a"), other.product("a"))
    assert one.asked == other.asked == [["a"]]
