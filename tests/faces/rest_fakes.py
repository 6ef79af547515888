"""The backends of rest_screens.py: they answer, or fail as a test says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from bff import Client, Int64, Json, Screen
from bff.composition.build import plan_of
from bff.composition.engine import ClientOf
from bff.errors import (
    BackendBusy,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Forbidden,
    Missing,
)
from bff.faces.screen import ServedScreen
from bff.upstream.scope import RequestScope
from tests.faces.rest_screens import (
    SCREENS,
    Badge,
    Card,
    Catalog,
    Found,
    Line,
    Orders,
    Ratings,
    Search,
    Sku,
    Tier,
    Users,
    rating,
)

LINE = Line(order_id="7", total=Int64(9007199254740993), placed=datetime(2026, 11, 23, tzinfo=UTC), price=Decimal("1.50"))

# What the backend of orders does for an order of this name.
FAILURES: Mapping[str, BaseException] = {
    "late": BackendTimeout("orders", "slow"),
    "gone": BackendUnreachable("orders", "refused"),
    "teapot": BackendStatus("orders", 418),
    "down": BackendStatus("orders", 503, retry_after=2.4),
    "missing": Missing("orders"),
    "odd": BackendInvalid("orders", "no JSON"),
    "busy": BackendBusy("orders", retry_after=0.2),
    "secret": Forbidden(["orders:read"]),
    "bug": KeyError("a bug"),
}


@dataclass
class Fakes:
    """All backends: they answer, unless `broken` says how the service fails."""

    broken: Mapping[str, BaseException]

    def clients(self, scope: RequestScope) -> ClientOf:
        made: dict[type[Client], Client] = {
            Users: self._of(FakeUsers),
            Orders: self._of(FakeOrders),
            Catalog: self._of(FakeCatalog),
            Ratings: self._of(FakeRatings),
            Search: self._of(FakeSearch),
        }
        return made.__getitem__

    def _of(self, fake: "type[Fake]") -> Client:
        client = fake()
        client.error = self.broken.get(client.service)
        return client


class Fake(Client):
    error: BaseException | None = None

    def answer(self) -> None:
        if self.error is not None:
            raise self.error


class FakeUsers(Fake, Users):
    async def badge(self, who: str) -> Badge:
        self.answer()
        return Badge(name=who, tier=Tier.GOLD)


class FakeOrders(Fake, Orders):
    async def lines(self) -> list[Line]:
        self.answer()
        return [replace(LINE)]

    async def order(self, order_id: str) -> Line:
        self.answer()
        if order_id in FAILURES:
            raise FAILURES[order_id]
        return replace(LINE, order_id=order_id)


class FakeCatalog(Fake, Catalog):
    async def picks(self, tier: Tier) -> list[Card]:
        self.answer()
        return [Card(sku=Sku("a"), similar=[Card(sku=Sku("b"))])]

    async def best(self) -> list[Card]:
        return [Card(sku=Sku("best"))]


class FakeRatings(Fake, Ratings):
    async def of(self, ids: list[str]) -> list[float | None]:
        self.answer()
        return [4.5 for _ in ids]


class FakeSearch(Fake, Search):
    async def find(self, asked: str) -> Found:
        self.answer()
        return Found(text=asked, raw=Json.check(b'{"any" : [1]}'))


def served(broken: Mapping[str, BaseException] | None = None, screens: Iterable[Screen] = SCREENS) -> list[ServedScreen]:
    fakes = Fakes(broken or {})
    return [ServedScreen(plan_of(screen, (rating,)), fakes.clients) for screen in screens]
