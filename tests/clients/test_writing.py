"""The clients' writes, against the demo's own services: what they give, what they raise, and how they are given up."""

from collections.abc import AsyncIterator

import pytest

from backends.running import Backends
from bff import BackendStatus, Missing
from bff.service_settings import ServiceSettings
from bff.testing import client_of
from bff.upstream import pipe
from clients.delivery import Assignment, Delivery, Location
from clients.geocoder import Geocoder
from clients.inventory import Inventory, short_of
from clients.money import Money, Wanted
from clients.orders import NewOrder, Orders
from clients.payments import Payments
from clients.reviews import NewReview, Reviews

ADDRESS = "Oranienstraße 1, 10999 Kreuzberg"
WANTED = [Wanted("1", 2)]
VISA = "13"  # user 7's


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    async with Backends.start(free_ports=True) as running:
        yield running


async def placed(backends: Backends, key: str = "k") -> str:
    """The id of an order of user 7, placed and not paid."""
    async with client_of(Orders, backends.stub("orders")) as orders:
        reservation = backends.world.store.write("INSERT INTO reservations (made_at, status) VALUES ('', 'HELD')")
        total = (await orders.quote("1", WANTED)).total.amount
        payment = backends.world.store.write(
            "INSERT INTO payments (method_id, amount, currency, status, made_at) VALUES (13, ?, 'EUR', 'CAPTURED', '')", total
        )
        new = NewOrder("7", "1", WANTED, ADDRESS, "", str(payment), str(reservation))
        made = await orders.place(new, key)
        assert await orders.order(made.id) == made
        assert (made.payment_id, made.reservation_id) == (str(payment), str(reservation))
        return made.id


async def test_an_address_has_a_place_and_what_is_none_is_missing(backends: Backends) -> None:
    async with client_of(Geocoder, backends.stub("geocoder")) as geocoder:
        assert (await geocoder.find(ADDRESS)).area == "Kreuzberg"
        with pytest.raises(Missing):
            await geocoder.find("Atlantis 5")


async def test_a_basket_has_its_price_and_one_that_cannot_be_is_refused(backends: Backends) -> None:
    async with client_of(Orders, backends.stub("orders")) as orders:
        quote = await orders.quote("1", WANTED)
        assert quote.total.amount == quote.subtotal.amount + quote.delivery_fee.amount
        with pytest.raises(Missing):
            await orders.quote("501", WANTED)
        with pytest.raises(BackendStatus) as caught:
            await orders.quote("1", [Wanted("8000", 1)])
        assert caught.value.status == 422


async def test_an_order_is_placed_once_cancelled_and_given_up(backends: Backends) -> None:
    order = await placed(backends)
    async with client_of(Orders, backends.stub("orders")) as orders:
        await orders.give_up("k")
        assert (await orders.order(order)).status == "CANCELLED"
        assert (await orders.cancel(order)).status == "CANCELLED"
        [active] = await orders.active("7")
        with pytest.raises(BackendStatus) as caught:
            await orders.cancel(active.id)
        assert caught.value.status == 409
        await orders.give_up("never used")


async def test_dishes_are_reserved_and_put_back(backends: Backends) -> None:
    async with client_of(Inventory, backends.stub("inventory")) as inventory:
        before = await inventory.available("1")
        reservation = await inventory.reserve(WANTED, "k")
        assert await inventory.reserve(WANTED, "k") == reservation
        async with client_of(Inventory, backends.stub("inventory")) as later:
            assert await later.available("1") == before - 2
        await inventory.release(reservation)
        await inventory.release_key("k")
        await inventory.release_key("never used")
        async with client_of(Inventory, backends.stub("inventory")) as later:
            assert await later.available("1") == before


async def test_of_what_there_is_too_little_is_told(backends: Backends) -> None:
    async with client_of(Inventory, backends.stub("inventory")) as inventory:
        with pytest.raises(BackendStatus) as caught:
            await inventory.reserve([*WANTED, Wanted("1", 50), Wanted("83", 1)], "k")
        assert "83" in short_of(caught.value)
        await inventory.release_key("given up")
        with pytest.raises(BackendStatus) as caught:
            await inventory.reserve(WANTED, "given up")
        assert (caught.value.status, short_of(caught.value)) == (409, [])


async def test_a_charge_is_made_once_and_given_back(backends: Backends) -> None:
    price = Money(1250, "EUR")
    async with client_of(Payments, backends.stub("payments")) as payments:
        payment = await payments.charge(VISA, price, "k")
        assert await payments.charge(VISA, price, "k") == payment
        await payments.refund(payment)
        await payments.refund_key("k")
        row = backends.world.store.one("SELECT * FROM payments WHERE id = ?", payment)
        assert row is not None
        assert (row["amount"], row["currency"], row["status"]) == (1250, "EUR", "REFUNDED")
        await payments.refund_key("never used")
        for amount, key, status in ((100_001, "k2", 402), (1250, "never used", 409)):
            with pytest.raises(BackendStatus) as caught:
                await payments.charge(VISA, Money(amount, "EUR"), key)
            assert caught.value.status == status


async def test_a_review_of_an_order_is_written_once_and_only_of_one_that_was_delivered(backends: Backends) -> None:
    async with client_of(Reviews, backends.stub("reviews")) as reviews:
        said = NewReview("255", "7", 4, "Good.", "29737")
        assert await reviews.write(said, "k") == await reviews.write(said, "k")
        for other, key, status in (
            (NewReview("255", "7", 1, "", "29737"), "k", 422),
            (NewReview("418", "7", 4, "", "29879"), "k2", 409),
            (NewReview("5", "7", 4, "", "29737"), "k3", 422),
        ):
            with pytest.raises(BackendStatus) as caught:
                await reviews.write(other, key)
            assert caught.value.status == status


async def test_an_order_is_given_a_courier_once(backends: Backends) -> None:
    settings = ServiceSettings(wire="grpc", instances=[f"http://{backends.address('delivery')}"], timeout=5)
    service = pipe.service("delivery", settings)
    order = await placed(backends)
    wanted = Assignment(order, "Ada Lovelace", Location(52.5, 13.4), "Ring twice")
    assigned = await Delivery(service).assign(wanted)
    assert (assigned.order_reference, assigned.current_status) == (order, "ASSIGNED")
    assert await Delivery(service).assign(wanted) == assigned
    row = backends.world.store.one("SELECT * FROM deliveries WHERE order_id = ?", order)
    assert row is not None
    assert (row["customer_name"], row["instructions"]) == ("Ada Lovelace", "Ring twice")
    await service.sender.close()
