"""What a backend believes of who asks: the gateway's own word for it alone, and nothing like it (D9, S063)."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, HMACAlgorithm

from bff.caller import GUEST, Caller
from bff.identity.inside_keys import InsideKeys
from bff.identity.internal_token import Inside
from bff.inside import FIRST_PAUSE, HARD, HEADER, KEPT, LARGEST, PAUSE, SOFT, TYP, Identity, NotInside, Verifier
from bff.testing import Fault, StubReply, StubService
from tests.identity.tokens import NOW, Time, part

ADA = Caller(id="7", app="shop", scopes=frozenset({"orders:read", "orders:write"}), tenant="acme", key="k1")
KEY = ed25519.Ed25519PrivateKey.generate()
KEYS = InsideKeys(KEY)


def inside(clock: Time, keys: InsideKeys = KEYS, issuer: str = "thali") -> Inside:
    return Inside(keys, {"orders": "token", "users": "token"}, issuer=issuer, wall=clock.wall)


def word(clock: Time, service: str = "orders", caller: Caller = ADA, keys: InsideKeys = KEYS, issuer: str = "thali") -> str:
    told = inside(clock, keys, issuer).of(caller)
    assert told is not None
    return dict(told(service))[HEADER]


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(KEYS.document)
    return path


@pytest.fixture
def orders(clock: Time, published: Path) -> Verifier:
    return Verifier(str(published), "orders", wall=clock.wall, now=clock.now)


def refused(verifier: Verifier, value: str | None) -> str:
    with pytest.raises(NotInside) as caught:
        verifier.verify(value)
    return caught.value.reason


# Who it is


def test_it_tells_who_asks(clock: Time, orders: Verifier) -> None:
    expected = Identity("7", "shop", frozenset({"orders:read", "orders:write"}), "acme", "k1")
    assert orders.verify(word(clock)) == expected
    assert orders.verify(word(clock)).expires_at == NOW + 60


async def test_it_tells_it_without_blocking_too(clock: Time, orders: Verifier) -> None:
    assert (await orders.averify(word(clock))).id == "7"
    assert (await orders.averify(word(clock, caller=GUEST))).id is None


def test_a_guest_and_the_gateway_itself_are_nobody(clock: Time, orders: Verifier) -> None:
    for value in (word(clock, caller=GUEST), dict(inside(clock).nobody("orders"))[HEADER]):
        assert orders.verify(value) == Identity(None)


# What is not the gateway's word


CLAIMS: dict[str, object] = {
    "iss": "thali", "aud": "orders", "sub": "7", "iat": NOW, "exp": NOW + 60, "jti": "j", "act": {"sub": "thali"},
}  # fmt: skip
HEAD = {"alg": "EdDSA", "typ": TYP, "kid": KEYS.kid}


def forged(
    head: dict[str, object] | None = None,
    sign: Callable[[bytes], bytes] = KEY.sign,
    **changes: object,
) -> str:
    """A token with what is given in place of what the gateway says; None takes it out."""
    header = {name: value for name, value in {**HEAD, **(head or {})}.items() if value is not None}
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    signed = part(header) + b"." + part(claims)
    return (signed + b"." + part(sign(signed))).decode()


def test_the_forger_of_these_tests_could_forge_a_good_one(orders: Verifier) -> None:
    assert orders.verify(forged()).id == "7"


def _hmac(signed: bytes) -> bytes:
    public = KEYS.document  # the one thing about the key that everybody has
    return HMACAlgorithm(HMACAlgorithm.SHA256).sign(signed, public)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "absent"),
        ("", "absent"),
        ("Bearer x", "form"),
        ("a.b", "form"),
        ("\ud800", "form"),
        ("\ud800.e30.e30", "form"),
        (part(b"[" * 5_000).decode() + ".e30.AA", "form"),
        ("x" * (LARGEST + 1), "size"),
        (forged()[:-2] + "x", "form"),
        (forged().rpartition(".")[0] + ".", "InvalidSignatureError"),
        (forged(sign=ed25519.Ed25519PrivateKey.generate().sign), "InvalidSignatureError"),
        (forged(head={"alg": "none"}, sign=lambda _: b""), "type"),
        (forged(head={"alg": "HS256"}, sign=_hmac), "type"),
        (forged(head={"typ": None}), "type"),
        (forged(head={"typ": "JWT"}), "type"),
        (forged(head={"typ": "at+jwt"}), "type"),
        (forged(head={"crit": ["exp"]}), "form"),
        (forged(head={"kid": None}), "type"),
        (forged(head={"kid": 7}), "form"),
        (forged(head={"kid": "another"}), "key"),
        (forged(aud="users"), "InvalidAudienceError"),
        (forged(aud=["orders", "users"]), "InvalidAudienceError"),
        (forged(aud=["orders"]), "InvalidAudienceError"),
        (forged(aud=None), "MissingRequiredClaimError"),
        (forged(iss="another"), "InvalidIssuerError"),
        (forged(iss=None), "MissingRequiredClaimError"),
        (forged(exp=None), "MissingRequiredClaimError"),
        (forged(iat=None), "MissingRequiredClaimError"),
        (forged(jti=None), "MissingRequiredClaimError"),
        (forged(exp=NOW - 5, iat=NOW - 65), "time"),
        (forged(exp=NOW + 61), "time"),
        (forged(exp=NOW + 66, iat=NOW + 6), "time"),
        (forged(exp=NOW, iat=NOW), "time"),
        (forged(exp=1e308), "claims"),
        (forged(exp=True), "claims"),
        (forged(iat="now"), "claims"),
        (forged(sub=7), "InvalidSubjectError"),
        (forged(azp=["shop"]), "claims"),
        (forged(scope=["orders:read"]), "claims"),
    ],
)  # fmt: skip
def test_s063_what_is_not_the_gateways_word_for_this_service_is_nobodys(
    orders: Verifier, value: str | None, reason: str
) -> None:
    assert refused(orders, value) == reason


def test_s063_a_token_that_brings_its_own_key_is_refused(clock: Time, orders: Verifier) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    jwk = json.loads(InsideKeys(own).document)["keys"][0]
    assert refused(orders, forged(head={"jwk": jwk, "kid": jwk["kid"]}, sign=own.sign)) == "key"
    assert refused(orders, forged(head={"jwk": jwk}, sign=own.sign)) == "InvalidSignatureError"


def test_a_word_for_another_service_is_none_for_this_one(clock: Time, orders: Verifier) -> None:
    assert refused(orders, word(clock, service="users")) == "InvalidAudienceError"


def test_clocks_may_differ_by_five_seconds(clock: Time, orders: Verifier) -> None:
    slow, fast = Time(clock.at - 4.9), Time(clock.at + 4.9)
    assert orders.verify(word(slow)).id == orders.verify(word(fast)).id == "7"
    assert refused(orders, word(Time(clock.at + 6))) == "time"


def test_a_word_is_no_more_believed_when_its_time_is_up_though_it_was_checked_before(clock: Time, orders: Verifier) -> None:
    value = word(clock)
    orders.verify(value)
    clock.at = 64.9
    assert orders.verify(value).id == "7"
    clock.at = 65.0
    assert refused(orders, value) == "time"


def test_a_set_with_a_key_of_another_kind_serves_none_of_its_tokens(clock: Time, tmp_path: Path) -> None:
    """RFC 8725 section 3.1: what the set holds does not choose the algorithm."""
    strange = ec.generate_private_key(ec.SECP256R1())
    jwk = {**ECAlgorithm.to_jwk(strange.public_key(), as_dict=True), "kid": "e", "alg": "ES256"}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    verifier = Verifier(str(tmp_path / "jwks.json"), "orders", wall=clock.wall, now=clock.now)
    sign = ECAlgorithm(ECAlgorithm.SHA256).sign
    assert refused(verifier, forged(head={"alg": "ES256", "kid": "e"}, sign=lambda signed: sign(signed, strange))) == "type"
    assert refused(verifier, forged(head={"kid": "e"})) != "absent"


NO_SETS = (
    b"[]", b'"x"', b"5", b"null", b"{}", b"", b"\xff", b"[" * 50_000, b'{"keys": 5}', b'{"keys": "x"}', b'{"keys": {"a": 1}}',
    b'{"keys": []}', b'{"keys": [5, null, "x", []]}', b'{"keys": [{"kid": []}]}', b'{"keys": [{"kid": "a", "kty": 7}]}',
    b'{"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": 7}]}', b'{"keys": [{"kid": "a", "kty": "EC", "crv": []}]}',
)  # fmt: skip


@pytest.mark.parametrize("document", NO_SETS)
def test_what_is_no_key_set_opens_nothing_and_takes_no_key_away(clock: Time, published: Path, document: bytes) -> None:
    verifier = Verifier(str(published), "orders", wall=clock.wall, now=clock.now)
    published.write_bytes(document)
    assert refused(verifier, word(clock)) == "key"
    published.write_bytes(KEYS.document)
    clock.at = FIRST_PAUSE
    assert verifier.verify(word(clock)).id == "7"
    published.write_bytes(document)
    clock.at = SOFT + FIRST_PAUSE
    assert verifier.verify(word(clock)).id == "7"


def test_a_key_of_the_set_that_is_none_takes_the_others_nothing(clock: Time, published: Path) -> None:
    good = json.loads(KEYS.document)["keys"]
    published.write_text(json.dumps({"keys": [7, {**good[0], "kid": []}, {"kid": "a", "kty": "?"}, *good]}))
    assert Verifier(str(published), "orders", wall=clock.wall, now=clock.now).verify(word(clock)).id == "7"


@pytest.mark.parametrize("address", ["http://[", "http://a:99999999/", "http://\x00/", "https://", "/nowhere/jwks.json"])
async def test_an_address_that_is_none_opens_nothing(clock: Time, address: str) -> None:
    verifier = Verifier(address, "orders", wall=clock.wall, now=clock.now)
    assert refused(verifier, word(clock)) == "key"
    clock.at = FIRST_PAUSE
    with pytest.raises(NotInside, match="key"):
        await verifier.averify(word(clock))


def test_what_is_remembered_is_bounded_and_each_is_itself(clock: Time, orders: Verifier) -> None:
    made = inside(clock)
    for number in range(KEPT + 10):
        told = made.of(Caller(id=str(number)))
        assert told is not None
        assert orders.verify(dict(told("orders"))[HEADER]).id == str(number)
    assert len(orders._known) == KEPT


# Where the keys come from


class Page:
    """The admin listener's page, whose keys can be changed."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.stub = StubService(lambda _: StubReply(self.document))

    @property
    def url(self) -> str:
        return f"http://{self.stub.address}/.well-known/jwks.json"

    @property
    def asked(self) -> int:
        return self.stub.counters.calls


async def test_keys_are_fetched_when_first_needed_and_once_for_all_who_wait(clock: Time) -> None:
    page = Page(KEYS.document)
    async with page.stub:
        page.stub.fault = Fault("latency", ms=50)
        verifier = Verifier(page.url, "orders", wall=clock.wall, now=clock.now)
        assert page.asked == 0
        made = inside(clock)
        words = [dict(made.of(Caller(id=str(one)))("orders"))[HEADER] for one in range(20)]  # type: ignore[misc]  # it tells
        found = await asyncio.gather(*(verifier.averify(value) for value in words))
        assert [one.id for one in found] == [str(one) for one in range(20)]
        assert page.asked == 1
        clock.at = SOFT - 0.1
        await verifier.averify(word(clock))
        assert page.asked == 1
        clock.at = SOFT
        await verifier.averify(word(clock))
        assert page.asked == 2


async def test_the_blocking_form_fetches_too(clock: Time) -> None:
    page = Page(KEYS.document)
    async with page.stub:
        verifier = Verifier(page.url, "orders", wall=clock.wall, now=clock.now)
        found = await asyncio.gather(*(asyncio.to_thread(verifier.verify, word(clock)) for _ in range(8)))
        assert {one.id for one in found} == {"7"}
        assert page.asked == 1


async def test_a_key_that_is_new_is_fetched_at_once_and_strangers_ids_fetch_no_more_than_one_in_ten_seconds(
    clock: Time,
) -> None:
    """Who sends made-up key ids would have us ask for each of them."""
    page = Page(KEYS.document)
    async with page.stub:
        verifier = Verifier(page.url, "orders", wall=clock.wall, now=clock.now)
        await verifier.averify(word(clock))
        following = InsideKeys(ed25519.Ed25519PrivateKey.generate(), [KEY.public_key()])
        page.document = following.document
        clock.at = PAUSE
        assert (await verifier.averify(word(clock, keys=following))).id == "7"
        assert (await verifier.averify(word(clock))).id == "7"  # the last one is published still
        for number in range(1_000):
            with pytest.raises(NotInside, match="key"):
                await verifier.averify(forged(head={"kid": f"made-up-{number}"}))
        assert page.asked == 2
        clock.at = 2 * PAUSE
        with pytest.raises(NotInside, match="key"):
            await verifier.averify(forged(head={"kid": "made-up"}))
        assert page.asked == 3


@pytest.mark.parametrize(
    "fault",
    [Fault("reset"), Fault("status", status=503), Fault("raw", raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot json!")],
)
async def test_keys_serve_on_while_they_cannot_be_fetched_for_a_day(clock: Time, fault: Fault) -> None:
    page = Page(KEYS.document)
    async with page.stub:
        verifier = Verifier(page.url, "orders", wall=clock.wall, now=clock.now)
        await verifier.averify(word(clock))
        page.stub.fault = fault
        for clock.at in (SOFT, SOFT + PAUSE, HARD - 1):
            assert (await verifier.averify(word(clock))).id == "7"
        assert page.asked == 4
        clock.at = HARD + PAUSE
        with pytest.raises(NotInside, match="key"):
            await verifier.averify(word(clock))


async def test_a_gateway_that_starts_after_its_backends_is_believed_a_second_later(clock: Time) -> None:
    page = Page(KEYS.document)
    async with page.stub:
        page.stub.fault = Fault("status", status=503)
        verifier = Verifier(page.url, "orders", wall=clock.wall, now=clock.now)
        with pytest.raises(NotInside, match="key"):
            await verifier.averify(word(clock))
        page.stub.fault = None
        clock.at = FIRST_PAUSE
        assert (await verifier.averify(word(clock))).id == "7"


async def test_a_redirect_for_the_keys_is_not_followed(clock: Time) -> None:
    page = Page(KEYS.document)
    async with page.stub, StubService(lambda _: StubReply(b"", 302, headers=(("Location", page.url),))) as there:
        verifier = Verifier(f"http://{there.address}/", "orders", wall=clock.wall, now=clock.now)
        with pytest.raises(NotInside, match="key"):
            await verifier.averify(word(clock))
        assert page.asked == 0
