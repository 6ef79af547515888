"""Requests as the quota sees them: matched, with an address, and (behind identity) a caller."""

from dataclasses import dataclass, field
from time import monotonic

from starlette.types import Message

from bff.apps import Identity
from bff.caller import Caller
from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.gateway.quota import Quota
from bff.gateway.quota_fields import Fields
from bff.gateway.request import Request
from bff.priority import Priority
from tests.gateway.kit import Peer, scope_of

ADA = Caller(id="ada", app="shop")


@dataclass
class Place:
    """An endpoint that nothing stands behind."""

    name: str = "shop/home"
    counted: bool = True
    account: str | None = None
    methods: tuple[str, ...] = ("GET", "POST")
    guests: bool = True
    scopes: frozenset[str] = frozenset()
    priority: Priority = "normal"
    owner: str = "us"
    identities: frozenset[Identity] = field(default_factory=frozenset)

    @property
    def app(self) -> str:
        return self.name.partition("/")[0]

    @property
    def template(self) -> str:
        return f"/{self.name}"

    async def answer(self, request: Request) -> Answer:
        return Answer(200, b"{}")


HOME, ORDER, GRAPHQL = Place(), Place("shop/placeOrder"), Place("shop/graphql", counted=False)
LOGIN = Place("routes/login", account="email")
PLACES = (HOME, ORDER, GRAPHQL, LOGIN)


def asked(
    place: Place = HOME,
    caller: Caller = ADA,
    address: str = "192.0.2.7",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    peer: Peer | None = None,
) -> Request:
    """One request for a place; with a body it is a POST."""
    client = peer or Peer([body or b""])

    async def receive() -> Message:
        return await client.receive()

    method = "GET" if body is None else "POST"
    scope = scope_of(f"/{place.name}", method, (headers or {}).items())
    return Request(scope, receive, monotonic(), id="r", endpoint=place, caller=caller, address=address)


async def pass_(quota: Quota, request: Request) -> Request:
    """Through both places at which the stack asks it."""
    quota.at_door(request)
    await quota.charge(request)
    return request


async def problem_of(quota: Quota, request: Request) -> Problem | None:
    """What refuses it; None for what is let in."""
    try:
        await pass_(quota, request)
    except Problem as problem:
        return problem
    return None


def field_of(request: Request, name: bytes) -> str:
    """The one such header of the answer."""
    told = Fields(verdict.policy for verdict in request.verdicts).of(request.verdicts)
    (value,) = [value for one, value in told if one == name]
    return value.decode()
