"""Bad bearer tokens against the running product: each is one generic 401, calls nobody, and says why in the log alone."""

import asyncio
import base64
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from backends.tokens import AUDIENCE, ISSUER
from bff.errors import Refusal
from bff.gateway.identify import Identities
from bff.identity.revocations import Kind, Revocations
from bff.identity_settings import IssuerSettings
from bff.settings import Settings
from bff.state.open import state_of
from bff.state_settings import StateSettings
from bff.testing import StubReply, StubService
from tests.identity.tokens import Signer, forge, key_set
from tests.product.world import world
from tests.redis_server import RedisServer, redis_server
from tests.security.kit import CANARY, Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTNER, PARTNER_SECRET = "https://partner.example", secrets.token_urlsafe(32)
PATH = "/mobile/v1/account"
MALLORY = Signer("mallory", "ES256", ec.generate_private_key(ec.SECP256R1()))
_ADDRESSES = itertools.count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="open_door")
async def _open_door(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """The demo with a second issuer, and with a proxy (us) that tells the client's address."""
    folder: Path = tmp_path_factory.mktemp("tokens")
    partner = {
        "issuer": PARTNER,
        "secret": PARTNER_SECRET,
        "algorithms": ["HS256"],
        "subject_prefix": "partner:",
    }
    settings = {
        "BFF_ISSUERS__PARTNER": json.dumps(partner),
        "BFF_SERVER__TRUSTED_PROXIES": '["127.0.0.1/32"]',
        "BFF_STATE__URL": redis.url,
        "BFF_STATE__TIMEOUT": "2",
    }
    async with world(folder, limits=False, **settings) as product:
        yield Door(product)


def somewhere() -> tuple[str, str]:
    """An address that guessed nothing yet."""
    number = next(_ADDRESSES)
    return ("x-forwarded-for", f"203.0.{number >> 8 & 255}.{number & 255}")


@dataclass(frozen=True)
class Forger:
    """Who has the issuer's own key: so that each token below is bad for one reason alone."""

    own: Signer
    evil: str  # an address of the attacker's

    def claims(self, **changes: object) -> dict[str, object]:
        now = int(time.time())
        good = {"iss": ISSUER, "sub": "7", "aud": AUDIENCE, "iat": now - 10, "exp": now + 300, "scope": "profile orders:read"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def good(self, **changes: object) -> str:
        return self.own.sign(self.claims(**changes))

    def header(self, **changes: object) -> dict[str, object]:
        return {"alg": "ES256", "kid": self.own.kid, "typ": "at+jwt", **changes}

    def hmac(self, secret: bytes, claims: dict[str, object]) -> str:
        return forge(self.header(alg="HS256"), claims, lambda signed: get_default_algorithms()["HS256"].sign(signed, secret))

    def public(self, encoding: Encoding, form: PublicFormat) -> bytes:
        found: bytes = self.own.private.public_key().public_bytes(encoding, form)  # type: ignore[attr-defined]
        return found

    def raw(self, text: str) -> str:
        return self.own.sign(text.encode())

    def ago(self, seconds: float) -> int:
        return int(time.time() - seconds)

    def swapped(self, part: int) -> str:
        parts, others = self.good().split("."), self.good(sub="8").split(".")
        parts[part] = others[part]
        return ".".join(parts)

    def flipped(self) -> str:
        token = bytearray(base64.urlsafe_b64decode(self.good().rpartition(".")[2] + "=="))
        token[len(token) // 2] ^= 1
        return self.good().rpartition(".")[0] + "." + base64.urlsafe_b64encode(bytes(token)).rstrip(b"=").decode()

    def nested(self) -> str:
        token = self.good()
        for _ in range(5):
            token = self.own.sign(token.encode(), cty="JWT")
        return token

    def twice(self, extra: str) -> str:
        return self.raw(json.dumps(self.claims())[:-1] + extra + "}")


Make = Callable[[Forger], str]

BAD: dict[str, tuple[Make, str]] = {
    "S001 alg none": (lambda by: forge(by.header(alg="none"), by.claims(), lambda _: b"x"), "algorithm"),
    "S001 alg none, unsigned": (lambda by: forge(by.header(alg="none"), by.claims(), lambda _: b""), "malformed"),
    "S002 alg nOnE": (lambda by: forge(by.header(alg="nOnE"), by.claims(), lambda _: b"x"), "algorithm"),
    "S003 HS256 with the public key, PEM": (
        lambda by: by.hmac(by.public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), by.claims()),
        "algorithm",
    ),
    "S003 HS256 with the public key, DER": (
        lambda by: by.hmac(by.public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), by.claims()),
        "algorithm",
    ),
    "S005 signature stripped": (lambda by: by.good().rpartition(".")[0] + ".", "malformed"),
    "S005 signature and dot stripped": (lambda by: by.good().rpartition(".")[0], "inactive or malformed"),
    "S006 signature of another token": (lambda by: by.swapped(2), "signature"),
    "S006 claims of another token": (lambda by: by.swapped(1), "signature"),
    "S007 a bit flipped": (lambda by: by.flipped(), "signature"),
    "S008 no exp": (lambda by: by.good(exp=None), "claims"),
    "S009 exp past the leeway": (lambda by: by.good(iat=by.ago(90), exp=by.ago(31)), "expired"),
    "S010 exp 1e308": (lambda by: by.raw(json.dumps(by.claims(exp=0)).replace('"exp": 0', '"exp": 1e308')), "claims"),
    "S010 exp text": (lambda by: by.good(exp=str(by.ago(-300))), "claims"),
    "S010 exp a year on": (lambda by: by.good(exp=by.ago(-365 * 86400)), "lifetime"),
    "S011 nbf in the future": (lambda by: by.good(nbf=by.ago(-60)), "not-yet"),
    "S012 iat in the future": (lambda by: by.good(iat=by.ago(-60)), "not-yet"),
    "S013 no aud": (lambda by: by.good(aud=None), "claims"),
    "S014 aud of another service": (lambda by: by.good(aud=["billing", "thali2"]), "audience"),
    "S015 the other tenant's key": (lambda by: by.hmac(PARTNER_SECRET.encode(), by.claims()), "algorithm"),
    "S015 the own key in the other's name": (lambda by: by.good(iss=PARTNER), "algorithm"),
    "S015 a stranger in good order": (lambda by: MALLORY.sign(by.claims(iss="https://mallory.example")), "issuer"),
    "S016 iss with a slash more": (lambda by: by.good(iss=ISSUER + "/"), "issuer"),
    "S016 iss in capitals": (lambda by: by.good(iss=ISSUER.upper()), "issuer"),
    "S017 an ID token by its typ": (lambda by: by.own.sign(by.claims(nonce="n"), typ="JWT"), "type"),
    "S017 an ID token under a false typ": (lambda by: by.good(at_hash="h"), "type"),
    "S018 a logout token by its typ": (lambda by: by.own.sign(by.claims(), typ="logout+jwt"), "type"),
    "S018 a logout token under a false typ": (
        lambda by: by.good(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        "type",
    ),
    "S019 an embedded jwk": (lambda by: MALLORY.sign(by.claims(), kid=by.own.kid, jwk=MALLORY.jwk()), "header"),
    "S020 jku": (lambda by: MALLORY.sign(by.claims(), jku=f"{by.evil}/keys"), "header"),
    "S020 jku, its own kid": (lambda by: MALLORY.sign(by.claims(), kid=by.own.kid, jku=f"{by.evil}/keys"), "header"),
    "S021 x5u": (lambda by: MALLORY.sign(by.claims(), x5u=f"{by.evil}/latest/meta-data"), "header"),
    "S021 x5c": (lambda by: MALLORY.sign(by.claims(), x5c=["MII="]), "header"),
    "S022 kid a path": (lambda by: MALLORY.sign(by.claims(), kid="../../dev/null"), "key"),
    "S023 kid SQL": (lambda by: by.own.sign(by.claims(), kid="' OR 1=1 --"), "header"),
    "S023 kid NUL": (lambda by: by.own.sign(by.claims(), kid=by.own.kid + "\0"), "header"),
    "S023 kid newline": (lambda by: by.own.sign(by.claims(), kid='x\n{"status":200}'), "header"),
    "S025 unknown crit": (lambda by: by.own.sign(by.claims(), crit=["exp"], exp=1), "header"),
    "S026 over 8 KB": (lambda by: by.good(pad="x" * 6_200), "too-long"),
    "S027 nested five times": (lambda by: by.nested(), "malformed"),
    "S027 encrypted, five parts": (lambda by: by.good() + ".AAAA.AAAA", "malformed"),
    "S028 zip": (lambda by: by.own.sign(by.claims(), zip="DEF"), "header"),
    "S031 a claim twice": (lambda by: by.twice(', "sub": "8"'), "malformed"),
    "S031 a claim twice, escaped": (lambda by: by.twice(r', "s\u0075b": "8"'), "malformed"),
    "a subject in our own words": (lambda by: by.good(sub="key:abcdefghijkl"), "claims"),
    "a subject of the partner's": (lambda by: by.good(sub="partner:7"), "claims"),
    "bound to a key": (lambda by: by.good(cnf={"jkt": "x"}), "type"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evil() -> AsyncIterator[StubService]:
    """The attacker's server: whoever fetches its keys believes its tokens."""
    async with StubService(lambda _: StubReply(key_set(MALLORY.jwk()))) as stub:
        yield stub


@pytest.fixture
def forger(door: Door, evil: StubService) -> Forger:
    tokens = door.product.backends.world.tokens
    return Forger(Signer(tokens.key_id, "ES256", tokens._key), f"http://{evil.address}")


async def fetches(door: Door) -> int:
    """How often the issuer was asked for its keys."""
    stub = door.product.backends.stub("users")
    return sum(record.path == "/.well-known/jwks.json" for record in stub.seen)


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_the_one_401_and_calls_nobody(door: Door, forger: Forger, evil: StubService, name: str) -> None:
    make, reason = BAD[name]
    token = make(forger)
    connections = evil.counters.connections
    answer = await door.ask("GET", PATH, headers=[somewhere()], token=token)
    line = await door.refused(answer, 401, "unauthenticated")
    assert line["refused"] in reason.split(" or ")
    assert line["user"] is None
    assert answer.json()["detail"] == "the credential is not valid"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert token not in json.dumps(line)
    assert evil.counters.connections == connections
    assert (await door.ask("GET", PATH, headers=[somewhere()], token=forger.good())).status_code == 200


async def test_s024_a_kid_of_a_megabyte_never_comes_so_far(door: Door, forger: Forger) -> None:
    token = forger.own.sign(forger.claims(), kid="k" * 1_000_000)
    answer = await door.raw(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or answer == b""
    assert door.reached == 0


@pytest.mark.parametrize("second", ["Bearer abc", "Basic dTpw", ""])
async def test_s029_two_authorization_headers(door: Door, forger: Forger, second: str) -> None:
    headers = [("authorization", f"Bearer {forger.good()}"), ("authorization", second), somewhere()]
    line = await door.refused(await door.ask("GET", PATH, headers=headers), 401, "unauthenticated")
    assert line["refused"] == "credentials"


@pytest.mark.parametrize("name", ["access_token", "token", "bearer", "authorization"])
async def test_s030_a_token_in_the_query_is_not_looked_at(door: Door, forger: Forger, name: str) -> None:
    token = forger.good(jti=CANARY)
    answer = await door.ask("GET", f"{PATH}?{name}={token}", headers=[somewhere()])
    line = await door.refused(answer, 401, "unauthenticated")
    assert token not in json.dumps(line)


async def test_each_issuers_own_tokens_are_good_and_their_subjects_kept_apart(door: Door, forger: Forger) -> None:
    theirs = forger.hmac(PARTNER_SECRET.encode(), forger.claims(iss=PARTNER))
    for token, user in ((forger.good(), "7"), (theirs, "partner:7")):
        answer = await door.ask("GET", PATH, headers=[somewhere()], token=token)
        (line,) = await door.lines(answer.headers["x-request-id"])
        assert line["user"] == user


@pytest.mark.parametrize("kind", ["jti", "sid", "sub"])
async def test_s033_a_revoked_token_is_refused_within_ten_seconds(
    door: Door, forger: Forger, redis: RedisServer, kind: Kind
) -> None:
    """Revoked by another process, through the state store that they share."""
    value = f"{kind}-{secrets.token_hex(4)}" if kind != "sub" else "9"
    token = forger.good(**{kind: value})
    assert (await door.ask("GET", PATH, headers=[somewhere()], token=token)).status_code == 200
    store = state_of(StateSettings(url=redis.url, timeout=2.0))
    await store.start()
    await Revocations(store).revoke(kind, ISSUER, value)
    await store.close()
    revoked_at = time.monotonic()
    answer = await door.ask("GET", PATH, headers=[somewhere()], token=token)
    while answer.status_code == 200 and time.monotonic() - revoked_at < 10:
        await asyncio.sleep(0.1)
        answer = await door.ask("GET", PATH, headers=[somewhere()], token=token)
    assert time.monotonic() - revoked_at < 10
    door.product.reset()
    line = await door.refused(await door.ask("GET", PATH, headers=[somewhere()], token=token), 401, "unauthenticated")
    assert line["refused"] == "revoked"
    assert (await door.ask("GET", PATH, headers=[somewhere()], token=forger.good())).status_code == 200


async def test_f43_made_up_kids_cost_one_fetch_and_valid_users_nothing(door: Door, forger: Forger) -> None:
    stub = door.product.backends.stub("users")
    stub.seen.clear()
    for number in range(200):
        token = MALLORY.sign(forger.claims(), kid=f"made-up-{number}")
        assert (await door.ask("GET", PATH, headers=[somewhere()], token=token)).status_code == 401
    assert await fetches(door) <= 1
    assert (await door.ask("GET", PATH, headers=[somewhere()], token=forger.good())).status_code == 200


UNSAFE: dict[str, tuple[dict[str, object], str]] = {
    "S032 31 bytes": ({"secret": "q" * 15 + "L8nV2xT5bR9mK4wZ", "algorithms": ["HS256"]}, "31 bytes"),
    "S032 32 bytes for HS512": ({"secret": "qL8nV2xT5bR9mK4wZ7cJ1hF6yD3gS0pA", "algorithms": ["HS512"]}, "64 bytes"),
    "S004 HS256 beside RS256": ({"jwks_url": "https://idp.example/keys", "algorithms": ["RS256", "HS256"]}, "mixes"),
    "S004 HS256 with published keys": ({"jwks_url": "https://idp.example/keys", "algorithms": ["HS256"]}, "public"),
    "S001 none": ({"jwks_url": "https://idp.example/keys", "algorithms": ["none"]}, "not taken"),
    "S150 an example's": ({"secret": "changeme" * 4, "algorithms": ["HS256"]}, "everybody knows"),
    "S150 nothing": ({"secret": "", "algorithms": ["HS256"]}, "empty"),
}


@pytest.mark.parametrize("name", UNSAFE)
async def test_an_issuer_that_cannot_be_safe_does_not_start(name: str) -> None:
    changes, told = UNSAFE[name]
    settings = Settings(issuers={"own": IssuerSettings.model_validate({"issuer": "https://own.example", **changes})})
    with pytest.raises(Refusal, match=told):
        Identities.of(settings)
