"""Who a request is from: which proofs count where, what is told to whom, and what a bad one costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from bff.apps import Identity
from bff.faces.answer import Answer
from bff.gateway.guard import Guard
from bff.gateway.guesses import BY_ADDRESS, BY_PAIR
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.request import Request
from bff.gateway.stack import Stack
from bff.identity.api_key import KeyRecord
from bff.identity.api_keys import ApiKeys
from bff.identity.introspected import Server
from bff.identity.introspection import Introspection, Introspector
from bff.identity.revocations import Revocations
from bff.observe.logs import AccessLog
from bff.priority import Priority
from bff.settings import LimitSettings
from tests.gateway.kit import Peer, Reply, scope_of
from tests.identity.test_api_keys import Home, last_changed, made
from tests.identity.test_introspection import GOOD, Told
from tests.identity.tokens import ISS, JWKS, NOW, Documents, Time, claims, key_set, signer, verifier

Headers = dict[str, str] | Sequence[tuple[str, str]]
BOTH: frozenset[Identity] = frozenset({"bearer", "api_key"})
ADDRESS = "192.0.2.7"


@dataclass
class Echo:
    """An endpoint that says who it took its caller for."""

    name: str
    identities: frozenset[Identity] = frozenset({"bearer"})
    guests: bool = False
    scopes: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ("GET",)
    owner: str = "us"
    counted: bool = True
    account: str | None = None
    priority: Priority = "normal"
    answered: int = 0

    @property
    def template(self) -> str:
        return f"/{self.name}"

    @property
    def app(self) -> str:
        return self.name.partition("/")[0]

    async def answer(self, request: Request) -> Answer:
        self.answered += 1
        caller = request.caller
        body = {"id": caller.id, "key": caller.key, "tenant": caller.tenant, "token": caller.token, "app": caller.app}
        return Answer(200, orjson.dumps({**body, "scopes": sorted(caller.scopes), "text": repr(caller)}))


@dataclass
class World:
    """A stack over endpoints of every kind, its keys, its introspection server, its clock and its log."""

    keys: Home = field(default_factory=Home)
    told: Told = field(default_factory=Told)
    clock: Time = field(default_factory=Time)
    written: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoints = {
            one.name: one
            for one in (
                Echo("shop/home"),
                Echo("shop/open", guests=True),
                Echo("partner/orders", frozenset({"api_key"}), scopes=frozenset({"orders:read"})),
                Echo("partner/both", BOTH),
                Echo("other/orders", BOTH),
            )
        }
        revocations = Revocations(wall=self.clock.wall)
        asked = Introspector(Server(ISS, "thali"), self.told, revocations=revocations, wall=self.clock.wall, now=self.clock.now)
        self.documents = Documents({JWKS: key_set(signer().jwk())})
        self.identities = Identities(
            verifier(self.documents, self.clock),
            introspection=Introspection([asked]),
            keys=ApiKeys(self.keys, now=self.clock.now, wall=self.clock.wall),
            now=self.clock.now,
        )
        self.access = AccessLog(self.written.append)
        self.stack = Stack(Routes(self.endpoints.values()), Guard(LimitSettings()), self.identities, self.access)

    def key(self, **changes: object) -> str:
        text, record = made(**changes)
        self.keys.records[record.id] = record
        return text

    async def ask(self, name: str, headers: Headers = (), address: str = ADDRESS) -> Reply:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        more: list[tuple[str, str]] = [*headers.items()] if isinstance(headers, dict) else [*headers]
        scope = scope_of(f"/{name}", "GET", [("host", "shop.example"), *more])
        scope["client"] = (address, 5)
        await self.stack(scope, Peer().receive, send)
        start, body = sent
        names = {header.decode(): value.decode("latin-1") for header, value in start["headers"]}
        return Reply(start["status"], names, body["body"])

    async def refused(self, name: str, headers: Headers, reason: str) -> Reply:
        """The 401 that all bad credentials have in common; `reason` is the audit line's alone."""
        before = sum(one.answered for one in self.endpoints.values())
        reply = await self.ask(name, headers)
        assert (reply.status, reply.problem) == (401, "unauthenticated")
        assert reply.json["detail"] == "the credential is not valid"
        assert sum(one.answered for one in self.endpoints.values()) == before
        line = self.line
        assert (line["audit"], line["problem"], line["refused"]) == ("refusal", "unauthenticated", reason)
        return reply

    @property
    def line(self) -> dict[str, Any]:
        self.access.flush()
        return dict(orjson.loads(self.written[-1].splitlines()[-1]))

    @property
    def lines(self) -> bytes:
        self.access.flush()
        return b"".join(self.written)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


TOKEN = signer().sign(claims())


async def test_a_key_makes_a_caller_with_its_scopes_and_its_tenant_and_without_its_text() -> None:
    world = World()
    key = world.key(tenant="acme", scopes=("orders:read", "x"))
    key_id = key[4:16]
    reply = await world.ask("partner/orders", {"x-api-key": key})
    assert reply.status == 200
    found = reply.json
    assert (found["id"], found["key"], found["tenant"]) == (f"key:{key_id}", key_id, "acme")
    assert (found["scopes"], found["token"]) == (["orders:read", "x"], None)
    assert key not in reply.body.decode()
    assert world.line["user"] == f"key:{key_id}"


async def test_a_key_without_the_scope_is_a_403() -> None:
    world = World()
    reply = await world.ask("partner/orders", {"x-api-key": world.key(scopes=())})
    assert (reply.status, reply.problem) == (403, "forbidden")


async def test_s037_a_key_of_one_partner_opens_nothing_of_another() -> None:
    world = World()
    key = world.key(to=("partner/*",))
    assert (await world.ask("partner/both", {"x-api-key": key})).status == 200
    reply = await world.ask("other/orders", {"x-api-key": key})
    assert (reply.status, reply.problem) == (403, "forbidden")
    assert world.endpoints["other/orders"].answered == 0
    assert world.line["refused"] == "key of another app"


@pytest.mark.parametrize(
    ("name", "challenge"),
    [
        ("shop/home", 'Bearer realm="bff", error="invalid_token"'),
        ("partner/orders", 'ApiKey realm="bff"'),
        ("partner/both", 'Bearer realm="bff", error="invalid_token", ApiKey realm="bff"'),
    ],
)
async def test_a_refusal_names_the_proofs_that_the_endpoint_takes(name: str, challenge: str) -> None:
    reply = await World().ask(name, {"x-api-key": made()[0]})
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == challenge


async def test_a_proof_of_a_kind_that_the_endpoint_does_not_take_is_none() -> None:
    world = World()
    key = world.key(to=("*",))
    await world.refused("shop/home", {"x-api-key": key}, "not taken")
    await world.refused("shop/open", {"x-api-key": key}, "not taken")
    await world.refused("partner/orders", bearer(TOKEN), "not taken")
    assert world.keys.asked == []  # a key that proves nothing here is not even looked up
    assert (await world.ask("partner/both", bearer(TOKEN))).json["id"] == "user-7"


TWICE: dict[str, list[tuple[str, str]]] = {
    "a token and a key": [("authorization", f"Bearer {TOKEN}"), ("x-api-key", "KEY")],
    "two keys": [("x-api-key", "KEY"), ("x-api-key", "KEY")],
    "two keys in two spellings": [("x-api-key", "KEY"), ("X-API-Key", "KEY")],
    "a key and another scheme": [("x-api-key", "KEY"), ("authorization", "Basic dTpw")],
    "S029 two tokens": [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")],
}


@pytest.mark.parametrize("name", TWICE)
async def test_two_proofs_at_once_are_refused_though_each_were_good(name: str) -> None:
    world = World()
    key = world.key()
    await world.refused("partner/both", [(header, value.replace("KEY", key)) for header, value in TWICE[name]], "credentials")


@pytest.mark.parametrize("name", ["access_token", "token", "x-api-key"])
async def test_s030_a_credential_in_the_query_is_none(name: str) -> None:
    world = World()
    for credential, where in ((TOKEN, "shop/home"), (world.key(), "partner/both")):
        reply = await world.ask(f"{where}?{name}={credential}")
        assert (reply.status, reply.problem) == (401, "unauthenticated")
        assert reply.json["detail"] == "this needs an identity"
        assert credential.encode() not in world.lines


async def test_all_bad_credentials_are_told_the_same() -> None:
    world = World()
    world.told.answer = {**GOOD, "token_type": "N/A"}
    told = {
        (await world.refused("partner/both", headers, reason)).json["detail"]
        for headers, reason in (
            ({"x-api-key": made()[0]}, "wrong key"),
            ({"x-api-key": last_changed(world.key())}, "wrong key"),
            ({"x-api-key": "nonsense"}, "malformed"),
            ({"x-api-key": world.key(revoked=NOW)}, "revoked"),
            ({"x-api-key": world.key(expires=NOW)}, "expired"),
            (bearer("a.b.c"), "type"),
            (bearer(TOKEN[:-5] + "AAAAA"), "signature"),
            (bearer(signer().sign(claims(exp=NOW - 100, iat=NOW - 200))), "expired"),
        )
    }
    assert len(told) == 1


async def test_an_opaque_token_is_asked_about_and_its_caller_known() -> None:
    world = World()
    reply = await world.ask("shop/home", bearer("opaque"))
    assert (reply.json["id"], reply.json["scopes"], reply.json["token"]) == ("user-7", ["orders:read"], "opaque")


async def test_while_the_introspection_server_is_down_a_request_is_a_503() -> None:
    world = World()
    world.told.down = True
    reply = await world.ask("shop/home", bearer("opaque"))
    assert (reply.status, reply.problem) == (503, "backend-unavailable")
    assert int(reply.headers["retry-after"]) >= 1


async def test_ten_thousand_without_identity_reach_nothing() -> None:
    world = World()
    for number in range(10_000):
        headers = [{}, bearer(TOKEN[:-6] + f"{number:06}"), {"x-api-key": "x"}][number % 3]
        reply = await world.ask("shop/home", headers, address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        assert reply.status == 401
    assert all(one.answered == 0 for one in world.endpoints.values())


async def test_s038_a_thousand_guesses_are_429_and_then_even_the_right_key_is_from_there() -> None:
    world = World()
    key = world.key()
    statuses = [(await world.ask("partner/both", {"x-api-key": last_changed(key)})).status for _ in range(1000)]
    assert statuses == [401] * BY_PAIR + [429] * (1000 - BY_PAIR)
    reply = await world.ask("partner/both", {"x-api-key": key})
    assert (reply.status, reply.problem) == (429, "quota-exceeded")
    assert int(reply.headers["retry-after"]) >= 1
    assert (await world.ask("partner/both", {"x-api-key": key}, address="198.51.100.1")).status == 200
    assert (await world.ask("partner/both", {"x-api-key": world.key()})).status == 200
    world.clock.at += 3600
    assert (await world.ask("partner/both", {"x-api-key": key})).status == 200


async def test_s038_made_up_tokens_are_429_and_whoever_is_known_stays_in() -> None:
    world = World()
    assert (await world.ask("shop/home", bearer(TOKEN))).status == 200
    forged = signer("mallory").sign(claims(), kid="k1")
    statuses = [(await world.ask("shop/home", bearer(forged))).status for _ in range(2 * BY_ADDRESS)]
    assert statuses == [401] * BY_ADDRESS + [429] * BY_ADDRESS
    assert (await world.ask("shop/home", bearer(TOKEN))).status == 200  # an office shares its address with the forger
    assert (await world.ask("shop/open")).status == 200


async def test_tokens_that_have_ended_are_no_guesses() -> None:
    world = World()
    ended = signer().sign(claims(iat=NOW - 200, exp=NOW - 100))
    for _ in range(2 * BY_ADDRESS):
        assert (await world.ask("shop/home", bearer(ended))).status == 401


async def test_opaque_tokens_that_are_not_active_are_no_guesses() -> None:
    world = World()
    world.told.answer = {"active": False}
    for one in range(2 * BY_ADDRESS):
        assert (await world.ask("shop/home", bearer(f"opaque-{one}"))).status == 401


async def test_s039_a_key_is_in_no_line_no_answer_and_no_text() -> None:
    world = World()
    key = world.key(scopes=())
    replies = [
        await world.ask("partner/orders", {"x-api-key": key}),
        await world.ask("other/orders", {"x-api-key": key}),
        await world.ask("shop/home", {"x-api-key": key}),
        await world.ask("partner/both", {"x-api-key": last_changed(key)}),
        await world.ask("partner/both", [("x-api-key", key), ("authorization", f"Bearer {key}")]),
    ]
    secret = key.partition(".")[2][:-1]
    said = world.lines + b"".join(reply.body + str(reply.headers).encode() for reply in replies)
    assert secret.encode() not in said
    assert secret not in repr(world.identities) + repr(world.keys.records)


async def test_a_request_that_is_cancelled_while_it_waits_leaves_nothing_behind() -> None:
    world = World()
    world.told.held = asyncio.Event()
    waiting = asyncio.create_task(world.ask("shop/home", bearer("opaque")))
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await world.identities.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "introspection"] == []


def test_a_record_shows_no_secret_of_its_key() -> None:
    key, record = made()
    assert isinstance(record, KeyRecord)
    assert key.partition(".")[2] not in repr(record)


@pytest.mark.parametrize("said", [{"active": False}], ids=["ended, or never there"])
async def test_an_opaque_token_that_a_server_does_not_know_is_no_guess(said: dict[str, object]) -> None:
    world = World()
    world.told.answer = said
    statuses = {(await world.ask("shop/home", bearer("opaque"))).status for _ in range(2 * BY_ADDRESS)}
    assert statuses == {401}


async def test_a_key_that_is_not_known_yet_is_no_guess() -> None:
    world = World()
    early = signer("tomorrow").sign(claims())
    statuses = {(await world.ask("shop/home", bearer(early))).status for _ in range(2 * BY_ADDRESS)}
    assert statuses == {401}


async def test_an_opaque_token_that_is_known_stays_in_while_its_address_is_locked_out() -> None:
    world = World()
    assert (await world.ask("shop/home", bearer("opaque"))).status == 200
    forged = signer("mallory").sign(claims(), kid="k1")
    for _ in range(BY_ADDRESS):
        await world.ask("shop/home", bearer(forged))
    assert (await world.ask("shop/home", bearer("another"))).status == 429
    assert world.line["refused"] == "guesses"
    assert (await world.ask("shop/home", bearer("opaque"))).status == 200
