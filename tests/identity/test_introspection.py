"""Asking a server about tokens: what its answers must say, how often it is asked, and what its failures do (RFC 7662)."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from bff.errors import BackendUnreachable
from bff.identity.asking import MAX_BODY, HttpAsk
from bff.identity.introspected import Server
from bff.identity.introspection import (
    BAD_TTL,
    GAP,
    MAX_BAD,
    MAX_FLIGHTS,
    TTL,
    Introspection,
    Introspector,
    NotAnswered,
    looks_signed,
)
from bff.identity.revocations import Revocations
from bff.identity.unauthenticated import Unauthenticated
from bff.testing import Fault, StubReply, StubRequest, StubService
from tests.identity.tokens import ISS, NOW, Time, claims, signer

GOOD: dict[str, object] = {
    "active": True,
    "token_type": "Bearer",
    "sub": "user-7",
    "scope": "orders:read",
    "client_id": "shop",
    "iss": ISS,
    "aud": "thali",
    "exp": NOW + 3600,
    "iat": NOW - 10,
}


@dataclass
class Told:
    """An Ask from memory that counts. `answer` is what it says; `down` makes it fail, `held` makes it wait."""

    answer: object = field(default_factory=lambda: dict(GOOD))
    asked: list[bytes] = field(default_factory=list)
    down: bool = False
    held: asyncio.Event | None = None
    closed: bool = False

    async def __call__(self, form: bytes) -> bytes:
        self.asked.append(form)
        if self.held is not None:
            await self.held.wait()
        if self.down:
            raise NotAnswered("down")
        return self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()

    async def close(self) -> None:
        self.closed = True


def asker(told: Told, clock: Time, **changes: object) -> Introspector:
    server = Server(ISS, "thali", **changes)  # type: ignore[arg-type]  # spread by name
    return Introspector(server, told, wall=clock.wall, now=clock.now)


async def reason(told: Told, **changes: object) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await asker(told, Time(), **changes).verify("opaque")
    return refused.value.reason


async def test_an_active_token_gives_its_claims_and_the_question_is_the_standards() -> None:
    told = Told()
    found = await asker(told, Time()).verify("opaque+token/=")
    assert (found.subject, found.scopes, found.issuer) == ("user-7", frozenset({"orders:read"}), ISS)
    assert parse_qs(told.asked[0].decode()) == {"token": ["opaque+token/="], "token_type_hint": ["access_token"]}


BAD: dict[str, tuple[dict[str, object], str]] = {
    "not active": ({"active": False}, "inactive"),
    "a refresh token": ({"token_type": None}, "type"),
    "bound to a key": ({"cnf": {"jkt": "x"}}, "type"),
    "DPoP": ({"token_type": "DPoP"}, "type"),
    "token_type a number": ({"token_type": 7}, "type"),
    "of another issuer": ({"iss": "https://evil.example"}, "issuer"),
    "for another service": ({"aud": ["billing"]}, "audience"),
    "for nobody": ({"aud": None}, "audience"),
    "aud of strange form": ({"aud": [7]}, "claims"),
    "ended": ({"exp": NOW}, "expired"),
    "exp 1e308": ({"exp": 1e308}, "claims"),
    "begins later": ({"nbf": NOW + 31}, "not-yet"),
    "scope a number": ({"scope": 7}, "claims"),
    "nobody's": ({"sub": None, "client_id": None}, "claims"),
    "sub with a newline": ({"sub": "a\nb"}, "claims"),
    "sub of ours": ({"sub": "key:abc"}, "claims"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_token_that_the_server_does_not_vouch_for_as_asked_is_refused(name: str) -> None:
    changes, expected = BAD[name]
    answer = {member: value for member, value in {**GOOD, **changes}.items() if value is not None}
    assert await reason(Told(answer)) == expected


async def test_less_is_taken_only_where_the_settings_say_so() -> None:
    answer = {name: value for name, value in GOOD.items() if name not in ("aud", "token_type", "exp")}
    server = Server(ISS, "", ("bearer", ""), rights_claim="roles", tenant_claim="org", subject_prefix="idp:")
    told = Told({**answer, "roles": ["admin"], "org": "acme"})
    clock = Time()
    got = await Introspector(server, told, wall=clock.wall, now=clock.now).verify("a")
    assert (got.subject, got.scopes, got.tenant) == ("idp:user-7", frozenset({"admin"}), "acme")


async def test_a_client_without_a_subject_is_a_caller_under_a_name_of_ours() -> None:
    answer = {name: value for name, value in GOOD.items() if name != "sub"}
    assert (await asker(Told(answer), Time()).verify("a")).subject == "client:shop"


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"no", b"[]", b"{}", b'{"active": "true"}', b'{"active": 1}', b'{"active": true, "active": false}',
        b'{"active": NaN}', b"\xff", b"[" * 100_000,
    ],
)  # fmt: skip
async def test_an_answer_that_says_nothing_is_a_503_and_nobody_is_logged_out(answer: bytes) -> None:
    told = Told(answer)
    with pytest.raises(BackendUnreachable):
        await asker(told, Time()).verify("opaque")


async def test_a_hundred_who_ask_at_once_ask_once_and_one_who_leaves_disturbs_nobody() -> None:
    told = Told(held=asyncio.Event())
    at = asker(told, Time())
    waiting = [asyncio.create_task(at.verify("opaque")) for _ in range(100)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert told.held is not None
    told.held.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert {getattr(one, "subject", None) for one in ended[1:]} == {"user-7"}
    assert (len(told.asked), at.asked) == (1, 1)


async def test_an_answer_is_believed_for_the_ttl_and_no_longer_than_the_token() -> None:
    clock = Time()
    told = Told({**GOOD, "exp": NOW + 40})
    at = asker(told, clock)
    for second, asked in ((0, 1), (TTL - 0.1, 1), (TTL, 2), (39.9, 2)):
        clock.at = second
        await at.verify("opaque")
        assert len(told.asked) == asked
    clock.at = 40
    with pytest.raises(Unauthenticated, match="expired"):
        await at.verify("opaque")


async def test_a_revoked_token_is_refused_within_the_ttl_and_a_no_is_kept_for_a_moment() -> None:
    clock = Time()
    told = Told()
    at = asker(told, clock)
    await at.verify("opaque")
    told.answer = {"active": False}
    clock.at = TTL
    for _ in range(10):
        with pytest.raises(Unauthenticated, match="inactive"):
            await at.verify("opaque")
    assert len(told.asked) == 2
    told.answer = dict(GOOD)
    clock.at += BAD_TTL
    await at.verify("opaque")


async def test_while_the_server_is_down_known_tokens_live_on_and_others_are_a_503() -> None:
    clock = Time()
    told = Told()
    at = asker(told, clock)
    await at.verify("known")
    told.down = True
    clock.at = TTL - 1
    assert (await at.verify("known")).subject == "user-7"
    with pytest.raises(BackendUnreachable):
        await at.verify("unknown")
    clock.at = TTL
    with pytest.raises(BackendUnreachable):
        await at.verify("known")
    told.down = False
    clock.at += GAP
    assert (await at.verify("known")).subject == "user-7"


async def test_a_server_that_fails_is_left_alone_for_a_second() -> None:
    clock = Time()
    told = Told(down=True)
    at = asker(told, clock)
    for number in range(50):
        clock.at = number / 10
        with pytest.raises(BackendUnreachable) as refused:
            await at.verify(f"token-{number}")
        assert refused.value.retry_after == GAP
    assert len(told.asked) == 5


async def test_no_more_questions_are_open_than_a_slow_server_can_bear() -> None:
    told = Told(held=asyncio.Event())
    at = asker(told, Time())
    waiting = [asyncio.create_task(at.verify(f"token-{number}")) for number in range(MAX_FLIGHTS)]
    await asyncio.sleep(0)
    with pytest.raises(BackendUnreachable, match="too much"):
        await at.verify("one more")
    assert told.held is not None
    told.held.set()
    await asyncio.gather(*waiting)


async def test_made_up_tokens_push_out_no_good_one_and_are_bounded_themselves() -> None:
    told = Told()
    at = asker(told, Time())
    await at.verify("good")
    told.answer = {"active": False}
    for number in range(MAX_BAD + 10):
        with pytest.raises(Unauthenticated):
            await at.verify(f"token-{number}")
    assert len(at._bad) == MAX_BAD
    assert (await at.verify("good")).subject == "user-7"


async def test_what_was_revoked_here_is_refused_whatever_was_remembered() -> None:
    clock = Time()
    revocations = Revocations(wall=clock.wall)
    at = Introspector(Server(ISS, "thali"), Told(), revocations=revocations, wall=clock.wall, now=clock.now)
    await at.verify("opaque")
    await revocations.revoke("sub", ISS, "user-7")
    with pytest.raises(Unauthenticated, match="revoked"):
        await at.verify("opaque")


def test_s020_s021_a_signed_token_is_shown_to_nobody_and_an_opaque_one_to_one_alone() -> None:
    clock = Time()
    first, second = (
        Introspector(Server(ISS, "thali", token_prefix=prefix), Told(), wall=clock.wall, now=clock.now)
        for prefix in ("a_", "ab_")
    )
    servers = Introspection([first, second])
    signed = signer().sign(claims(), jku="https://evil.example/keys")
    assert looks_signed(signed)
    assert servers.of(signed) is None
    assert servers.of(signed + ".AAAA.AAAA") is None
    assert servers.of("a_xyz") is first
    assert servers.of("ab_xyz") is second
    assert servers.of("xyz") is None
    anybodys = Introspection([Introspector(Server(ISS, "thali"), Told(), wall=clock.wall, now=clock.now)])
    assert anybodys.of("opaque") is not None
    for head in (b'{ "alg": "none"}', b'{\n"alg": "none"}', b'{\t"alg": "none"}', b'{"alg": "none"}'):
        odd = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
        assert anybodys.of(f"{odd}.AAAA.AAAA") is None, "however it is spaced, it is a signed one"


async def test_it_is_asked_by_a_form_with_http_basic_and_no_cookie_comes_back() -> None:
    seen: list[StubRequest] = []

    def answer(request: StubRequest) -> StubReply:
        seen.append(request)
        reply = StubReply.json(GOOD)
        return StubReply(reply.body, headers=(("Set-Cookie", "a=b; Path=/"),))

    async with StubService(answer) as stub:
        ask = HttpAsk(f"http://{stub.address}/introspect", "gate way", "a:b%c")
        for _ in range(2):
            assert json.loads(await ask(b"token=x")) == GOOD
        await ask.close()
        assert stub.counters.connections == 1  # kept
    first = seen[1]
    assert first.method == "POST"
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(first.headers["authorization"].removeprefix("Basic ")) == b"gate+way:a%3Ab%25c"
    assert "cookie" not in first.headers
    assert first.body == b"token=x"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (StubReply(status=401), None),
        (StubReply(status=302, headers=(("Location", "/evil"),)), None),
        (StubReply(b" " * (MAX_BODY + 1)), None),
        (StubReply(b"x", headers=(("Content-Encoding", "gzip"),)), None),
        (StubReply(b"{}"), Fault("reset")),
        (StubReply(b"{}"), Fault("truncate")),
    ],
)
async def test_anything_but_a_whole_plain_200_is_no_answer(reply: StubReply, fault: Fault | None) -> None:
    async with StubService({"/introspect": reply}) as stub:
        stub.fault = fault
        ask = HttpAsk(f"http://{stub.address}/introspect", "id", "secret")
        with pytest.raises(NotAnswered):
            await ask(b"token=x")
        await ask.close()
        assert stub.counters.calls == 1


async def test_questions_that_hang_cost_no_later_one_anything() -> None:
    """More of them than httpx has slots in its pool: each was cancelled, which wounds a pool for good."""
    clock = Time()
    async with StubService({"/introspect": StubReply.json(GOOD)}) as stub:
        stub.fault = Fault("hang")
        ask = HttpAsk(f"http://{stub.address}/introspect", "id", "secret")
        at = Introspector(Server(ISS, "thali"), ask, timeout=0.01, wall=clock.wall, now=clock.now)
        for _ in range(3):
            clock.at += GAP
            ended = await asyncio.gather(*(at.verify(f"token-{number}") for number in range(50)), return_exceptions=True)
            assert {type(one) for one in ended} == {BackendUnreachable}
        await stub.wait_for(lambda: stub.counters.open_connections == 0)
        stub.fault = None
        clock.at += GAP
        patient = Introspector(Server(ISS, "thali"), ask, timeout=5.0, wall=clock.wall, now=clock.now)
        good = await asyncio.gather(*(patient.verify(f"token-{number}") for number in range(50)))
        assert len(good) == 50
        await patient.close()


async def test_a_token_that_the_server_finds_malformed_is_refused_alone() -> None:
    def answer(request: StubRequest) -> StubReply:
        odd = parse_qs(request.body.decode())["token"] == ["odd"]
        return StubReply(b'{"error": "invalid_request"}', 400) if odd else StubReply.json(GOOD)

    async with StubService(answer) as stub:
        clock = Time()
        ask = HttpAsk(f"http://{stub.address}/introspect", "gateway", "secret of the gateway")
        asked = Introspector(Server(ISS, "thali"), ask, wall=clock.wall, now=clock.now)
        with pytest.raises(Unauthenticated) as refused:
            await asked.verify("odd")
        assert refused.value.reason == "malformed"
        assert (await asked.verify("good")).subject == "user-7", "the server is well, and is asked on"
        await asked.close()
