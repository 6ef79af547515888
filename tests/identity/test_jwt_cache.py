"""What a good token gives, and how long it is believed without a second look."""

import pytest

from bff.errors import BackendUnreachable
from bff.identity.claims import Claims
from bff.identity.jwt import CACHE_TTL, MAX_CACHED, Issuer, JwtVerifier, Unauthenticated
from tests.identity.tokens import (
    ISS,
    JWKS,
    NOW,
    SECRET,
    Documents,
    Signer,
    Time,
    claims,
    issuer,
    key_set,
    signer,
    verifier,
)

K1 = signer()


def published() -> Documents:
    return Documents({JWKS: key_set(K1.jwk())})


async def verified(token: str, whose: Issuer) -> Claims:
    checks = verifier(published(), Time(), whose)
    try:
        return await checks.verify(token)
    finally:
        await checks.close()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    key = signer("k2", algorithm)
    issuer = Issuer(ISS, "bff", (algorithm,), JWKS, tenant="acme")
    checks = verifier(Documents({JWKS: key_set(K1.jwk(), key.jwk())}), Time(), issuer)
    got = await checks.verify(key.sign(claims(aud=["x", "bff"], jti="t1", nbf=NOW)))
    scopes = frozenset({"orders:read", "orders:write"})
    assert got == Claims("user-7", ISS, scopes, "acme", NOW + 300, got.raw)
    assert got.raw == {"jti": "t1"}
    await checks.close()


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        ({"scope": "a  b "}, {"a", "b"}),
        ({"scope": ""}, set()),
        ({"scope": None}, set()),
        ({"scope": None, "scp": ["a", "b"]}, {"a", "b"}),
        ({"scope": None, "scp": "a b"}, {"a", "b"}),
        ({"scope": "a", "scp": ["admin"]}, {"a"}),
    ],
)
async def test_scopes_are_read_as_each_provider_writes_them(given: dict[str, object], scopes: set[str]) -> None:
    assert (await verified(K1.sign(claims(**given)), issuer())).scopes == scopes


async def test_the_tenant_comes_from_the_claim_that_the_issuer_names() -> None:
    assert (await verified(K1.sign(claims(org="acme")), issuer(tenant_claim="org"))).tenant == "acme"
    assert (await verified(K1.sign(claims(org="acme")), issuer())).tenant is None
    with pytest.raises(Unauthenticated, match="claims"):
        await verified(K1.sign(claims()), issuer(tenant_claim="org"))


async def test_only_short_plain_claims_that_were_asked_for_are_kept() -> None:
    token = K1.sign(claims(a="x", b=7, c=["x"], d="x" * 256, e="x\ny", f=True, g={"x": 1}, other="x"))
    got = await verified(token, issuer(keep=tuple("abcdefgh")))
    assert got.raw == {"a": "x", "b": 7, "f": True}
    with pytest.raises(TypeError):
        got.raw["a"] = "y"  # type: ignore[index]  # that it cannot be written is the point


async def test_a_verified_token_is_known_for_a_minute_and_no_longer() -> None:
    clock, token = Time(), K1.sign(claims())
    checks = verifier(published(), clock)
    assert checks.cached(token) is None
    got = await checks.verify(token)
    clock.at = CACHE_TTL - 0.001
    assert checks.cached(token) is got
    assert await checks.verify(token) is got
    clock.at = CACHE_TTL
    assert checks.cached(token) is None
    assert await checks.verify(token) == got
    await checks.close()


async def test_a_token_is_not_known_past_its_own_end() -> None:
    clock, token = Time(), K1.sign(claims(exp=NOW + 20))
    checks = verifier(published(), clock)
    await checks.verify(token)
    clock.at = 19.9
    assert checks.cached(token) is not None
    clock.at = 20.0
    assert checks.cached(token) is None
    await checks.verify(token)  # the leeway lets it in, each time anew
    assert len(checks._known) == 0
    clock.at = 50.0
    with pytest.raises(Unauthenticated, match="expired"):
        await checks.verify(token)
    await checks.close()


def hmac_signed(number: int) -> str:
    return Signer("s", "HS256", SECRET).sign(claims(sub=f"user-{number}"))


async def test_the_least_recently_used_token_is_forgotten_first() -> None:
    checks = verifier(Documents(), Time(), Issuer(ISS, "bff", ("HS256",), secret=SECRET))
    first, second = hmac_signed(-1), hmac_signed(-2)
    await checks.verify(first)
    await checks.verify(second)
    for number in range(MAX_CACHED - 2):
        await checks.verify(hmac_signed(number))
    assert checks.cached(first) is not None
    await checks.verify(hmac_signed(MAX_CACHED))
    assert checks.cached(first) is not None
    assert checks.cached(second) is None
    await checks.close()


async def test_tokens_are_kept_by_their_digest_only() -> None:
    token = K1.sign(claims())
    checks = verifier(published(), Time())
    await checks.verify(token)
    assert token not in everything_in(checks)
    assert token.rpartition(".")[2] not in everything_in(checks)
    await checks.close()


def everything_in(checks: JwtVerifier) -> str:
    return repr(vars(checks))


async def test_without_keys_to_judge_by_it_is_our_failure_and_not_the_callers() -> None:
    checks = verifier(Documents(), Time())
    with pytest.raises(BackendUnreachable) as failed:
        await checks.verify(K1.sign(claims()))
    assert failed.value.retry_after == 1.0
    await checks.close()
