"""Place order at the demo's own services, each of which fails at its step: what their books say then.

The services check who asks, as behind the gateway: undoing must be the caller's own act, too.
"""

from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from backends.running import Backends
from bff import ID, BackendTimeout, Caller, Client, Once
from bff.composition.action_plan import plan_action
from bff.composition.action_run import Performed, perform
from bff.deadline import Deadline
from bff.service_settings import ServiceSettings
from bff.testing import Fault
from bff.upstream import pipe
from bff.upstream.scope import RequestScope
from bff.upstream.service import Service
from clients.delivery import Assigned, Assignment, Delivery
from composers.place_order import place_order
from schemas.place_order import OrderItem, OrderPlaced
from tests.backends.test_asker import INSIDE, KEYS
from tests.product.ordering import (
    ADDRESS,
    BREAKS,
    DISH,
    DRIPS,
    FAILS,
    HANGS,
    QUANTITY,
    READS,
    RESTAURANT,
    WRITES,
    Books,
    Customer,
    books,
    customer,
)

USER = 100
TIMEOUT = 0.5  # of a service: long for one on this machine, short for a test that waits for it
GRPC_TIMEOUT = 1.5  # a channel's first call connects, which takes longer on a busy machine


@pytest.fixture
async def backends(tmp_path: Path) -> AsyncIterator[Backends]:
    (tmp_path / "jwks.json").write_bytes(KEYS.document)
    async with Backends.start(free_ports=True, inside=tmp_path / "jwks.json") as running:
        yield running


@pytest.fixture
async def services(backends: Backends) -> AsyncIterator[dict[str, Service]]:
    async with AsyncExitStack() as stack:
        made = {}
        for name in backends.names():
            url = f"http://{backends.address(name)}"
            settings = ServiceSettings(instances=[url], timeout=TIMEOUT, connect_timeout=TIMEOUT)
            if name == "delivery":
                settings = ServiceSettings(instances=[url], timeout=GRPC_TIMEOUT, wire="grpc")
            made[name] = pipe.service(name, settings)
            stack.push_async_callback(made[name].sender.close)
        yield made


async def ordered(
    services: dict[str, Service], who: Customer, key: str = "k", delivery: type[Delivery] = Delivery
) -> Performed:
    caller = Caller(id=who.id)
    scope = RequestScope()
    scope.tell = INSIDE.of(caller)

    def client_of(cls: type[Client]) -> Client:
        chosen = delivery if cls is Delivery else cls
        return chosen(services[cls.service], scope)

    loop = get_running_loop()
    return await perform(
        plan_action(place_order),
        inputs={
            "restaurant_id": RESTAURANT,
            "items": [OrderItem(dish_id=ID(DISH), quantity=QUANTITY)],
            "address": ADDRESS,
            "payment_method": who.method,
            "instructions": "",
        },
        caller=caller,
        once=Once(key),
        deadline=Deadline(loop.time() + 4.0, loop.time),
        client_of=client_of,
        scope=scope,
    )


def standing(now: Books, before: Books) -> tuple[object, ...]:
    """What is there that was not there before."""
    return (*now.standing, now.held - before.held, now.available - before.available)


NOTHING = (0, 0)


async def test_an_order_is_paid_kept_and_brought(backends: Backends, services: dict[str, Service]) -> None:
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    result = await ordered(services, who)
    assert isinstance(result.value, OrderPlaced)
    after = books(backends.world.store, who.id)
    assert standing(after, before) == ("PLACED", "CAPTURED", "delivery", QUANTITY, -QUANTITY)
    row = backends.world.store.one("SELECT amount FROM payments ORDER BY id DESC")
    assert row is not None
    assert row["amount"] == result.value.total.amount


async def test_the_same_keys_again_give_the_same_order(backends: Backends, services: dict[str, Service]) -> None:
    """A process that died after all was done: the client asks again, and no answer was kept."""
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    first, again = await ordered(services, who), await ordered(services, who)
    assert first.value == again.value
    after = books(backends.world.store, who.id)
    assert standing(after, before) == ("PLACED", "CAPTURED", "delivery", QUANTITY, -QUANTITY)


@pytest.mark.parametrize(("service", "path", "step"), WRITES)
async def test_a_repeat_that_knows_nothing_of_the_first_undoes_all_that_it_did(
    backends: Backends, services: dict[str, Service], service: str, path: str, step: str
) -> None:
    """All was done, and the process or the store has lost it. What fails now is undone, and new keys are used after that."""
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    await ordered(services, who)
    backends.stub(service).faults[path] = FAILS
    again = await ordered(services, who)
    assert (again.step, again.left, again.anew) == (step, (), True)
    assert standing(books(backends.world.store, who.id), before) == NOTHING
    backends.stub(service).faults.clear()
    assert isinstance((await ordered(services, who, "the next generation")).value, OrderPlaced)
    after = books(backends.world.store, who.id)
    assert standing(after, before) == ("PLACED", "CAPTURED", "delivery", QUANTITY, -QUANTITY)


async def test_a_repeat_with_keys_that_were_given_up_asks_for_new_ones(
    backends: Backends, services: dict[str, Service]
) -> None:
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    backends.stub("delivery").faults["/thali.delivery.v1.Delivery/Assign"] = FAILS
    await ordered(services, who)
    backends.stub("delivery").faults.clear()
    again = await ordered(services, who)
    assert (again.value, again.anew, again.undone, again.left) == (None, True, (), ())
    assert standing(books(backends.world.store, who.id), before) == NOTHING


@pytest.mark.parametrize(("service", "path", "step"), [*READS, *WRITES])
@pytest.mark.parametrize("fault", [FAILS, HANGS, BREAKS, DRIPS], ids=lambda fault: fault.kind)
async def test_nothing_stands_when_a_service_fails_at_its_step(
    backends: Backends, services: dict[str, Service], service: str, path: str, step: str, fault: Fault
) -> None:
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    backends.stub(service).faults[path.format(user=who.id)] = fault
    result = await ordered(services, who)
    assert result.error is not None
    assert (result.step, result.left) == (step, ())
    assert standing(books(backends.world.store, who.id), before) == NOTHING
    backends.stub(service).faults.clear()
    again = await ordered(services, who, "another attempt")
    assert isinstance(again.value, OrderPlaced), again.error


# All of a service is gone from its step on, so that what it has done cannot be undone either.
LEFT = {"stock": ("stock",), "payment": ("payment",), "order": ("order",), "delivery": ()}
UNDOING = {"stock": "/release", "payment": "/refund", "order": "/orders/give-up", "delivery": ""}


@pytest.mark.parametrize(("service", "path", "step"), WRITES)
async def test_what_may_stand_at_a_service_that_is_gone_is_named(
    backends: Backends, services: dict[str, Service], service: str, path: str, step: str
) -> None:
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    stub = backends.stub(service)
    stub.faults.update({path: BREAKS, UNDOING[step]: FAILS})  # it does it, and then neither tells nor undoes
    result = await ordered(services, who)
    assert (result.step, result.left) == (step, LEFT[step])
    left = {
        "stock": (QUANTITY, -QUANTITY),
        "payment": ("CAPTURED", *NOTHING),
        "order": ("PLACED", *NOTHING),
        "delivery": NOTHING,
    }
    assert standing(books(backends.world.store, who.id), before) == left[step], "that, and nothing else"


class Forgetful(Delivery):
    """Assigns a courier, and its answer is lost."""

    async def assign(self, assignment: Assignment) -> Assigned:
        await super().assign(assignment)
        raise BackendTimeout("delivery")


async def test_no_courier_comes_for_an_order_that_was_undone(backends: Backends, services: dict[str, Service]) -> None:
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    result = await ordered(services, who, delivery=Forgetful)
    assert (result.step, result.left) == ("delivery", ())
    after = books(backends.world.store, who.id)
    assert (after.orders, standing(after, before)) == (("CANCELLED",), NOTHING)


@pytest.mark.parametrize(("service", "_path", "step"), [*READS, *WRITES])
def test_the_page_of_actions_has_a_row_for_every_step(service: str, _path: str, step: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "actions.md").read_text()
    assert f"\n| {f'`{step}`' if step else ''}{' ' if step else ''}| {service}: " in page


async def test_a_late_write_does_nothing_once_it_was_given_up(backends: Backends, services: dict[str, Service]) -> None:
    """The charge that was undone is sent again by a network that holds packets back."""
    who = customer(backends, USER)
    before = books(backends.world.store, who.id)
    backends.stub("payments").faults["/charge"] = HANGS
    await ordered(services, who)
    backends.stub("payments").faults.clear()
    again = await ordered(services, who)  # with the keys of the first: its stock is refused as given up
    assert again.error is not None
    assert standing(books(backends.world.store, who.id), before) == NOTHING
