"""A gateway with actions over two scripted backends, called as ASGI or over a socket; what they were asked is kept."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

import msgspec
import orjson
from annotated_types import Ge, Le, Len, MaxLen
from starlette.types import Message

from bff import ID, App, Caller, Client, Once, Refused, Screen, Steps, View, action, batched, needs, section
from bff.composition.action import Action
from bff.composition.action_plan import plan_action
from bff.composition.build import plan_of
from bff.faces.action import ServedAction, Writes
from bff.faces.screen import ServedScreen
from bff.gateway.action_endpoint import ActionEndpoint
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.request import Endpoint
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.service_settings import ServiceSettings
from bff.settings import LimitSettings, Settings
from bff.state.idempotency import Idempotency
from bff.state.memory import MemoryStore
from bff.state.store import Store
from bff.testing import StubReply, StubRequest, StubService
from bff.upstream.upstreams import Upstreams
from tests.gateway.kit import Peer, Reply, scope_of
from tests.identity.tokens import JWKS, Documents, Time, claims, key_set, signer, verifier

SHOP = App("shop", owner="shop-team")


class Size(Enum):
    SMALL = "SMALL"
    LARGE = "LARGE"


class Item(View):
    """What is ordered."""

    dish_id: ID
    quantity: Annotated[int, Ge(1), Le(9)] = 1
    note: Annotated[str, msgspec.Meta(max_length=20, description="for the cook")] | None = None
    size: Size = Size.SMALL


class Placed(View):
    """An order that was placed."""

    order_id: ID
    total: int
    note: str | None = None
    items: list[Item] = []  # noqa: RUF012 - a Struct copies it


class Payments(Client, service="payments"):
    async def charge(self, amount: int, key: str) -> str:
        return await self.post("/charges", str, {"amount": amount}, idempotency_key=key)

    async def refund(self, key: str) -> None:
        await self.delete("/charges/{key}", type(None), key=key)


class Orders(Client, service="orders"):
    async def place(self, restaurant: str, dishes: list[str]) -> str:
        return await self.post("/orders", str, {"restaurant": restaurant, "dishes": dishes})

    async def count(self) -> int:
        return await self.get("/count", int)

    @batched()
    async def dish(self, ids: list[str]) -> dict[str, str]:
        return await self.get("/dishes", dict[str, str], id=ids)


@action("/orders", apps=(SHOP,), scopes=["orders:write"], budget=20.0, idempotent=True, priority="critical", status=201)
async def place_order(
    restaurant_id: ID,
    items: Annotated[list[Item], Len(1, 3)],
    note: Annotated[str, MaxLen(20)] = "",
    *,
    caller: Caller,
    once: Once,
    steps: Steps,
    payments: Payments,
    orders: Orders,
) -> Placed:
    """Order dishes. They are paid first."""
    if restaurant_id == "closed":
        raise Refused("is closed", name="restaurantId")
    charge = once.key("payment")
    await steps.do("payment", payments.charge(len(items), charge), undo=lambda _: payments.refund(charge))
    if restaurant_id == "full":
        raise Refused("the kitchen is full")
    if restaurant_id == "bug":
        raise KeyError("a secret of ours")
    order_id = await steps.do("order", orders.place(restaurant_id, [item.dish_id for item in items]))
    return Placed(ID(order_id), len(items), note or None, items)


@action("/orders/{order_id}/cancel", apps=(SHOP,))
async def cancel_order(order_id: int, *, orders: Orders, caller: Caller) -> Placed:
    return Placed(ID(str(order_id)), 0, caller.id)


@action("/orders/{order_id}", apps=(SHOP,), method="PATCH", name="rename", guests=True)
async def change(order_id: ID, name: Annotated[str, MaxLen(5)], orders: Orders) -> Placed:
    before = await orders.count(), await orders.dish("a")
    await orders.place(order_id, [name])
    after = await orders.count(), await orders.dish("a")
    return Placed(order_id, after[0] - before[0], f"{before[1]} {after[1]}")


class Page(View):
    name: int


@section()
async def name(orders: Orders, page_size: int = 10) -> int:
    return await orders.count()


SCREEN = Screen("/orders", Page(name=needs(name)), apps=(SHOP,), guests=True, name="page")
ACTIONS: tuple[Action[..., Any], ...] = (place_order, cancel_order, change)


@dataclass
class Backends:
    """Both services on one socket: what was charged, refunded and ordered, and what to answer instead."""

    charged: list[str] = field(default_factory=list)
    refunded: list[str] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    instead: dict[str, Callable[[StubRequest], StubReply | Awaitable[StubReply]]] = field(default_factory=dict)

    def __call__(self, request: StubRequest) -> StubReply | Awaitable[StubReply]:
        what = f"{request.method} {request.path.split('/')[1]}"
        self.asked[what] += 1
        if what in self.instead:
            return self.instead[what](request)
        return StubReply.json(self.answer(what, request))

    def answer(self, what: str, request: StubRequest) -> object:
        match what:
            case "POST charges":
                key = request.headers["idempotency-key"]
                if key not in self.charged:
                    self.charged.append(key)
                return f"charge-{key}"
            case "DELETE charges":
                self.refunded.append(request.path.rpartition("/")[2])
                return None
            case "POST orders":
                self.orders.append(orjson.loads(request.body))
                return f"order-{len(self.orders)}"
            case "GET dishes":
                return {one: f"{one}{len(self.orders)}" for one in request.query["id"]}
            case _:
                return len(self.orders)


class Kit:
    """The gateway, its backends and its log."""

    def __init__(self, backends: Backends, upstreams: Upstreams, store: Store) -> None:
        self.backends = backends
        self.writes = Writes()
        keys = Idempotency(store)
        limits = LimitSettings(max_body=64 * 1024)
        self.served = [ServedAction(plan_action(one), upstreams.clients, keys, writes=self.writes) for one in ACTIONS]
        self.screen = ServedScreen(plan_of(SCREEN), upstreams.clients)
        self.caller = Caller("user-7", "shop", frozenset({"orders:write"}))  # as CALLER's token says
        self.graphql = GraphQLEndpoint(SHOP, [self.screen], limits, actions=self.served)
        endpoints: list[Endpoint] = [
            ScreenEndpoint(SHOP, self.screen),
            *(ActionEndpoint(SHOP, one, limits) for one in self.served),
            self.graphql,
        ]
        self._written: list[bytes] = []
        self.access = AccessLog(self._written.append)
        jwks = Documents({JWKS: key_set(signer().jwk())})
        self.verifier = verifier(jwks, Time())
        self.stack = Stack(Routes(endpoints), Guard(limits), Identities(self.verifier), self.access)

    async def ask(
        self,
        target: str,
        body: object = None,
        method: str = "POST",
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        peer: Peer | None = None,
        guest: bool = False,
        plain: bool = False,
    ) -> Reply:
        """One request, whole. A body that is bytes is sent as it is; a `plain` one has no headers but those given."""
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        given = {"host": "shop.example", **({} if guest else CALLER)}
        if content and not plain:
            given["content-type"] = "application/json"
        given |= ({"idempotency-key": key} if key is not None else {}) | (headers or {})
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self.stack(scope_of(target, method, given.items()), (peer or Peer([content])).receive, send)
        start, *rest = sent
        names = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Reply(start["status"], names, b"".join(message.get("body", b"") for message in rest))

    async def order(self, key: str = "k-1", restaurant: str = "r1", **options: Any) -> Reply:  # Any: of `ask`
        return await self.ask("/shop/v1/orders", order(restaurant), key=key, **options)

    async def graphql_of(self, query: str, key: str | None = None, **variables: object) -> Reply:
        return await self.ask("/shop/graphql", {"query": query, "variables": variables}, key=key)

    @property
    def line(self) -> dict[str, Any]:  # Any: JSON of any shape
        self.access.flush()
        return dict(orjson.loads(self._written[-1].splitlines()[-1]))


def order(restaurant: str = "r1", **more: object) -> dict[str, object]:
    return {"restaurantId": restaurant, "items": [{"dishId": "d1", "quantity": 2}], **more}


def bearer(scope: str = "orders:write", **changes: object) -> dict[str, str]:
    return {"authorization": f"Bearer {signer().sign(claims(scope=scope, **changes))}"}


CALLER = bearer()


@asynccontextmanager
async def gateway(store: Store | None = None) -> AsyncIterator[Kit]:
    backends = Backends()
    async with StubService(backends) as stub:
        at = ServiceSettings(instances=[f"http://{stub.address}"], timeout=10.0)
        upstreams = Upstreams.of(Settings(services={"payments": at, "orders": at}))
        try:
            kit = Kit(backends, upstreams, MemoryStore(1024 * 1024) if store is None else store)
            await kit.verifier.verify(CALLER["authorization"].partition(" ")[2])  # keys are waited for 0.5 s, machines pause
            yield kit
        finally:
            await upstreams.close()
