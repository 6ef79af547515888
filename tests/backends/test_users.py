"""Users and their tokens."""

import time
from pathlib import Path

import jwt

from backends.tokens import AUDIENCE, ISSUER, load_tokens
from tests.backends.conftest import Asking


async def test_a_login_gives_a_token_that_the_key_set_proves(ask: Asking) -> None:
    answer = await ask("users", "/login", "POST", json={"email": "Ada@example.com", "password": "thali"})
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    [key] = (await ask("users", "/.well-known/jwks.json")).json()["keys"]
    header = jwt.get_unverified_header(given["access_token"])
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(given["access_token"], jwt.PyJWK(key).key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER)
    assert claims["sub"] == "7"
    assert "orders:write" in claims["scope"].split()
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 5


async def test_a_wrong_password_or_address_is_401(ask: Asking) -> None:
    for email, password in (("ada@example.com", "wrong"), ("nobody@example.com", "thali")):
        answer = await ask("users", "/login", "POST", json={"email": email, "password": password})
        assert (answer.status_code, answer.json()) == (401, {"error": "wrong email or password"})
    assert (await ask("users", "/login", "POST", json={"email": 1})).status_code == 422


async def test_a_token_can_be_had_for_anybody_with_the_scopes_asked_for(ask: Asking) -> None:
    given = (await ask("users", "/token", "POST", json={"user_id": "8", "scopes": ["a", "b"]})).json()
    claims = jwt.decode(given["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["scope"]) == ("8", "a b")
    for unknown in ("0", "x", " 7", "7.0"):
        assert (await ask("users", "/token", "POST", json={"user_id": unknown})).status_code == 404


def test_a_restart_keeps_the_key(tmp_path: Path) -> None:
    first, second = load_tokens(tmp_path), load_tokens(tmp_path)
    assert first.key_id == second.key_id
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o077 == 0


async def test_ada_in_both_versions(ask: Asking) -> None:
    one, two = (await ask("users", "/users/7")).json(), (await ask("users", "/v2/users/7")).json()
    assert set(one) == {"id", "name", "email", "phone", "tier", "locale", "joined_at"}
    assert (one["id"], one["name"], one["email"]) == ("7", "Ada Lovelace", "ada@example.com")
    assert two["full_name"] == {"given": "Ada", "family": "Lovelace"}
    assert (two["user_id"], two["contact"]["email"], two["loyalty"]) == ("7", "ada@example.com", {"tier": "GOLD"})


async def test_a_batch_of_users(ask: Asking) -> None:
    found = (await ask("users", "/users?id=7&id=8&id=7&id=99999")).json()
    assert [user["id"] for user in found] == ["7", "8"]


async def test_favourites_and_addresses(ask: Asking) -> None:
    favourites = (await ask("users", "/users/7/favourites")).json()
    assert len(favourites["items"]) == 6
    assert set(favourites["items"][0]) == {"restaurant_id", "added_at"}
    [home, work] = (await ask("users", "/users/7/addresses")).json()["items"]
    assert (home["label"], home["area"], home["is_default"], work["is_default"]) == ("HOME", "Kreuzberg", True, False)
    assert set(home["position"]) == {"lat", "lon"}


async def test_a_user_changes_what_they_may(ask: Asking) -> None:
    changed = (await ask("users", "/users/7", "PATCH", json={"name": "Ada King", "locale": "de"})).json()
    assert (changed["name"], changed["locale"], changed["email"]) == ("Ada King", "de", "ada@example.com")
    assert (await ask("users", "/users/7")).json() == changed
    assert (await ask("users", "/users/7", "PATCH", json={"tier": "GOLD"})).status_code == 422
