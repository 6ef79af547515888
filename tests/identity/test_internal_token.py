"""The gateway's word to one service: what it says, how long it holds, and the key that it is signed with (D9)."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.types import Options
from starlette.applications import Starlette

from bff.caller import GUEST, Caller
from bff.errors import Refusal
from bff.identity.inside_keys import InsideKeys
from bff.identity.inside_page import inside_routes
from bff.identity.internal_token import KEPT, Inside, plain
from bff.inside import HEADER, TYP
from bff.service_settings import ServiceSettings
from bff.settings import Settings
from tests.identity.tokens import NOW, Time

ADA = Caller(id="7", app="shop", scopes=frozenset({"orders:write", "orders:read"}), tenant="acme", token="secret", key="k1")
FORMS = {"users": "token", "orders": "token", "old": "headers", "geo": "none"}


def inside(clock: Time, lifetime: float = 60.0) -> Inside:
    return Inside(InsideKeys(ed25519.Ed25519PrivateKey.generate()), FORMS, lifetime=lifetime, wall=clock.wall)  # type: ignore[arg-type]  # words of a Literal


def token_of(made: Inside, service: str = "orders", caller: Caller = ADA) -> str:
    told = made.of(caller)
    assert told is not None
    [(name, value)] = told(service)
    assert name == HEADER
    return value


def read(token: str, made: Inside) -> dict[str, object]:
    """The claims, by PyJWT alone, from the published set: what any JWT library of any backend does."""
    assert made.document is not None
    [key] = jwt.PyJWKSet.from_json(made.document.decode()).keys
    options: Options = {"verify_exp": False, "verify_iat": False}
    return dict(jwt.decode(token, key, ["EdDSA"], audience=["orders", "users"], issuer="thali", options=options))


# What is said


def test_a_token_says_who_asks_one_service_through_which_app_with_which_rights() -> None:
    made = inside(Time())
    token = token_of(made)
    claims = read(token, made)
    assert len(str(claims.pop("jti"))) == 32
    assert claims == {
        "iss": "thali",
        "aud": "orders",
        "sub": "7",
        "azp": "shop",
        "act": {"sub": "thali"},
        "scope": "orders:read orders:write",
        "tenant": "acme",
        "key": "k1",
        "iat": NOW,
        "exp": NOW + 60,
    }
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "typ": TYP, "kid": made_kid(made)}
    assert "secret" not in token


def made_kid(made: Inside) -> str:
    assert made.document is not None
    return str(json.loads(made.document)["keys"][0]["kid"])


def test_a_guest_and_the_gateway_itself_are_nobody() -> None:
    made = inside(Time())
    for headers in (made.nobody("orders"), ((HEADER, token_of(made, caller=GUEST)),)):
        claims = read(dict(headers)[HEADER], made)
        assert claims.keys() == {"iss", "aud", "act", "jti", "iat", "exp"}


def test_each_service_is_told_in_its_own_form_and_those_that_ask_for_nothing_nothing() -> None:
    made = inside(Time())
    tell = made.of(ADA)
    assert tell is not None
    assert tell("geo") == tell("unheard of") == ()
    assert tell("old") == plain(ADA)
    assert [read(token_of(made, service), made)["aud"] for service in ("users", "orders")] == ["users", "orders"]
    assert Inside(None, {"geo": "none"}).of(ADA) is None


def test_plain_headers_hold_one_value_each_whatever_the_caller_is_called() -> None:
    caller = Caller(id="ü\r\nx-user-id: 1, 2%20", app="shop", scopes=frozenset({"a b", "orders:read"}), tenant="ac me")
    assert plain(caller) == (
        ("x-user-id", "%C3%BC%0D%0Ax-user-id:%201%2C%202%2520"),
        ("x-user-app", "shop"),
        ("x-user-tenant", "ac%20me"),
        ("x-user-scopes", "a%20b orders:read"),
    )
    assert plain(GUEST) == ()


def test_a_right_that_would_come_out_as_two_does_not_go_on() -> None:
    made = inside(Time())
    odd = Caller(id="7", scopes=frozenset({"read admin", "read", "ä", "a\tb", "\ud800"}))
    assert read(token_of(made, caller=odd), made)["scope"] == "read"


# How long


def test_a_token_is_used_for_half_of_its_time() -> None:
    clock = Time()
    made = inside(clock)
    first = token_of(made)
    clock.at = 29.9
    assert token_of(made) == first
    clock.at = 30.0
    second = token_of(made)
    assert second != first
    assert read(second, made)["exp"] == NOW + 90


def test_a_wall_clock_that_went_back_makes_a_new_token() -> None:
    """The old one's `iat` would lie in the future of every backend."""
    clock = Time(at=20.0)
    made = inside(clock)
    token_of(made)
    clock.at = 0.0
    assert read(token_of(made), made)["iat"] == NOW


def test_callers_who_differ_in_anything_that_is_said_have_tokens_of_their_own() -> None:
    made = inside(Time())
    changes: list[dict[str, object]] = [
        {},
        {"id": "8"},
        {"id": None},
        {"app": "web"},
        {"scopes": frozenset()},
        {"tenant": None},
        {"key": None},
    ]
    given = {name: getattr(ADA, name) for name in ADA.__struct_fields__}
    callers = [Caller(**{**given, **change}) for change in changes]
    tokens = [token_of(made, caller=caller) for caller in callers]
    assert len(set(tokens)) == len(tokens)
    assert tokens == [token_of(made, caller=caller) for caller in callers]
    hints = Caller(**{**given, "locale": "de", "device": "mobile", "token": "another"})
    assert token_of(made, caller=hints) == tokens[0]


def test_what_is_kept_is_bounded() -> None:
    made = inside(Time())
    first, last = Caller(id="first"), Caller(id="last")
    oldest, kept = token_of(made, caller=first), token_of(made, caller=last)
    for number in range(KEPT - 1):  # the first makes room
        token_of(made, caller=Caller(id=str(number)))
    assert token_of(made, caller=last) == kept
    assert token_of(made, caller=first) != oldest


# The key


def test_the_key_is_made_at_the_first_start_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "not there yet" / "inside.pem"
    first = InsideKeys.at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["inside.pem"]
    assert InsideKeys.at(path).document == first.document
    assert InsideKeys.at(tmp_path / "other.pem").kid != first.kid


def test_processes_that_start_together_end_with_one_key(tmp_path: Path) -> None:
    for round_ in range(20):
        path, together = tmp_path / str(round_), Barrier(8)

        def start(path: Path = path, together: Barrier = together) -> str:
            together.wait()
            return InsideKeys.at(path).kid

        with ThreadPoolExecutor(8) as pool:
            kids = {future.result() for future in [pool.submit(start) for _ in range(8)]}
        assert kids == {InsideKeys.at(path).kid}


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (pem(ed25519.Ed25519PrivateKey.generate()), 0o604, "can be read or changed by others; run `chmod 600"),
        (pem(ed25519.Ed25519PrivateKey.generate()), 0o660, "can be read or changed by others; run `chmod 600"),
        (pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "a key of another kind"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), 0o600, "no private key in PEM"),
        (b"", 0o600, "no private key in PEM"),
    ],
)
def test_s150_a_key_file_that_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, mode: int, told: str) -> None:
    path = tmp_path / "inside.pem"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(Refusal) as refused:
        InsideKeys.at(path)
    assert told in str(refused.value)
    assert path.read_bytes() == content  # never mended by us


def test_a_key_file_that_a_group_may_read_is_taken_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    path = tmp_path / "inside.pem"
    path.write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    path.chmod(0o440)
    assert InsideKeys.at(path).kid


def test_a_key_file_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"inside\.key_file: .* cannot be made"):
        InsideKeys.at(tmp_path / "file" / "inside.pem")


def test_keys_are_named_by_their_thumbprint() -> None:
    """The key of RFC 8037, appendix A.3, whose thumbprint that names."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    assert InsideKeys(key).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_last_and_the_next_key_are_published_beside_the_one_that_signs(tmp_path: Path) -> None:
    last, following = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "last.pem").write_bytes(pem(last))
    (tmp_path / "last.pem").chmod(0o600)
    (tmp_path / "next.pub").write_bytes(public_pem(following))
    keys = InsideKeys.at(tmp_path / "inside.pem", [tmp_path / "last.pem", tmp_path / "next.pub"])
    entries = json.loads(keys.document)["keys"]
    assert [entry["kid"] for entry in entries] == [keys.kid, InsideKeys(last).kid, InsideKeys(following).kid]
    assert all(entry.keys() == {"crv", "kty", "x", "kid", "use", "alg"} for entry in entries)  # and no `d`


def test_every_fault_of_the_keys_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "inside.pem").write_text("x")
    (tmp_path / "inside.pem").chmod(0o644)
    with pytest.raises(Refusal) as refused:
        InsideKeys.at(tmp_path / "inside.pem", [tmp_path / "gone.pem"])
    assert [fault.split(": ")[0] for fault in refused.value.faults] == ["inside.key_file", "inside.published.0"]


# From the settings


def of(tmp_path: Path, inside: dict[str, object], *forms: str) -> Inside | None:
    services = {
        f"s{place}": ServiceSettings.model_validate(
            {"instances": ["http://127.0.0.1:9"], "identity": form, "trusted_network": form == "headers"}
        )
        for place, form in enumerate(forms)
    }
    return Inside.of_settings(Settings.model_validate({"services": services, "inside": inside}))


def test_without_a_service_that_is_told_anything_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert of(tmp_path, {}, "none") is None
    assert of(tmp_path, {}) is None
    assert not list(tmp_path.iterdir())


def test_tokens_without_a_key_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"inside\.key_file: a service has identity = 'token'"):
        of(tmp_path, {}, "none", "token")


def test_plain_headers_need_no_key(tmp_path: Path) -> None:
    made = of(tmp_path, {}, "headers")
    assert made is not None
    assert made.document is None
    assert made.nobody("s0") == ()


def test_the_settings_say_whose_word_it_is_and_how_long_it_holds(tmp_path: Path) -> None:
    made = of(tmp_path, {"key_file": tmp_path / "k.pem", "issuer": "gate", "lifetime": 10}, "token")
    assert made is not None
    claims = jwt.decode(dict(made.nobody("s0"))[HEADER], options={"verify_signature": False})
    assert (claims["iss"], claims["exp"] - claims["iat"]) == ("gate", 10)


# The page


async def test_the_admin_listener_publishes_the_keys_and_nothing_secret(tmp_path: Path) -> None:
    made = of(tmp_path, {"key_file": tmp_path / "k.pem"}, "token")
    app = Starlette(routes=inside_routes(made))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as http:
        answer = await http.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert key.keys() == {"crv", "kty", "x", "kid", "use", "alg"}
    assert inside_routes(None) == inside_routes(of(tmp_path, {}, "headers")) == []
