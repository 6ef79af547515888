"""From settings to what checks: several issuers, each with its own rules, and what is refused before anything starts."""

from pathlib import Path

import pytest

from bff.errors import Refusal
from bff.identity.claims import Claims
from bff.identity.configured import api_keys_of, introspection_of, issuers_of
from bff.identity.jwt import JwtVerifier, Unauthenticated
from bff.identity.weak import why_weak
from bff.identity_settings import ApiKeySettings, IntrospectionSettings, IssuerSettings
from bff.state.memory import MemoryStore
from tests.identity.tokens import ISS, JWKS, NOW, OTHER_ISS, OTHER_JWKS, Documents, Time, claims, key_set, signer

ONE, TWO = signer("one", "ES256"), signer("two", "ES256")
STRONG = "qL8nV2xT5bR9mK4wZ7cJ1hF6yD3gS0pA"


def users(**changes: object) -> IssuerSettings:
    return IssuerSettings.model_validate({"issuer": ISS, "jwks_url": JWKS, "audience": "bff", **changes})


def partner(**changes: object) -> IssuerSettings:
    found = {"issuer": OTHER_ISS, "jwks_url": OTHER_JWKS, "audience": "bff", "subject_prefix": "partner:", **changes}
    return IssuerSettings.model_validate(found)


def asked(**changes: object) -> IntrospectionSettings:
    found = {"url": "https://idp.example/introspect", "issuer": ISS, "client_id": "gw", "client_secret": STRONG, **changes}
    return IntrospectionSettings.model_validate(found)


async def verified(token: str, **issuers: IssuerSettings) -> Claims:
    clock = Time()
    documents = Documents({JWKS: key_set(ONE.jwk()), OTHER_JWKS: key_set(TWO.jwk())})
    checks = JwtVerifier(issuers_of(issuers, {}), documents, wall=clock.wall, now=clock.now)
    try:
        return await checks.verify(token)
    finally:
        await checks.close()


async def refused(token: str, **issuers: IssuerSettings) -> str:
    with pytest.raises(Unauthenticated) as error:
        await verified(token, **issuers)
    return error.value.reason


@pytest.mark.parametrize(
    ("claim", "given", "rights"),
    [
        (None, {"scope": "a b"}, {"a", "b"}),
        (None, {"scope": None, "scp": ["a", "b"]}, {"a", "b"}),
        ("scp", {"scope": "admin", "scp": "a b"}, {"a", "b"}),
        ("roles", {"scope": "admin", "roles": ["a", "b"]}, {"a", "b"}),
        ("permissions", {"permissions": ["a:b", "c:d"]}, {"a:b", "c:d"}),
        ("roles", {"scope": "admin"}, set()),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, {"a"}),
        ("realm_access.roles", {"realm_access": {}}, set()),
        ("realm_access.roles", {"realm_access": "admin"}, set()),
        ("https://x.example/roles", {"https://x.example/roles": ["a"]}, {"a"}),
    ],
)
async def test_each_issuer_says_where_its_rights_are(claim: str | None, given: dict[str, object], rights: set[str]) -> None:
    token = ONE.sign(claims(**given))
    assert (await verified(token, users=users(rights_claim=claim))).scopes == rights


@pytest.mark.parametrize("value", [7, {"a": True}, [["a"]], True, None])
async def test_rights_of_a_strange_form_are_refused(value: object) -> None:
    token = ONE.sign({**claims(), "roles": value})
    assert await refused(token, users=users(rights_claim="roles")) == "claims"


@pytest.mark.parametrize(
    ("given", "good"),
    [({"tid": "acme"}, True), ({"tid": ["x", "acme"]}, True), ({"tid": "other"}, False), ({"tid": ["x"]}, False), ({}, False)],
)
async def test_a_claim_that_is_pinned_must_say_so(given: dict[str, object], good: bool) -> None:
    token, settings = ONE.sign(claims(**given)), users(claims={"tid": "acme"})
    if good:
        assert (await verified(token, users=settings)).subject == "user-7"
    else:
        assert await refused(token, users=settings) == "claims"


async def test_leeway_and_lifetime_are_the_issuers_own() -> None:
    old = ONE.sign(claims(iat=NOW - 100, exp=NOW - 5))
    assert (await verified(old, users=users())).subject == "user-7"
    assert await refused(old, users=users(leeway=0)) == "expired"
    day = ONE.sign(claims(exp=NOW + 7200))
    assert await refused(day, users=users(max_lifetime=3600)) == "lifetime"


async def test_a_secret_of_ones_own_issuer_is_enough() -> None:
    from jwt.algorithms import get_default_algorithms

    from tests.identity.tokens import forge

    own = users(jwks_url=None, secret=STRONG, algorithms=["HS256"])
    token = forge(
        {"alg": "HS256", "typ": "at+jwt"},
        claims(),
        lambda signed: get_default_algorithms()["HS256"].sign(signed, STRONG.encode()),
    )
    assert (await verified(token, own=own)).subject == "user-7"
    assert STRONG not in repr(own)
    assert STRONG not in repr(issuers_of({"own": own}, {}))


async def test_a_subject_of_one_issuer_is_never_that_of_another() -> None:
    both = {"users": users(), "partner": partner()}
    assert (await verified(ONE.sign(claims()), **both)).subject == "user-7"
    assert (await verified(TWO.sign(claims(iss=OTHER_ISS)), **both)).subject == "partner:user-7"
    assert await refused(ONE.sign(claims(sub="partner:user-7")), **both) == "claims"
    assert await refused(ONE.sign(claims(sub="key:abcdefghijkl")), **both) == "claims"
    assert await refused(ONE.sign(claims(sub="client:shop")), **both) == "claims"


async def test_s015_the_key_of_one_issuer_signs_for_no_other() -> None:
    both = {"users": users(), "partner": partner()}
    assert await refused(TWO.sign(claims()), **both) == "key"
    assert await refused(TWO.sign(claims(), kid="one"), **both) == "signature"


async def test_a_token_that_is_bound_to_a_key_is_no_bearer_token() -> None:
    assert await refused(ONE.sign(claims(cnf={"jkt": "x"})), users=users()) == "type"


async def test_a_client_that_acts_for_nobody_has_a_name_that_no_user_can_have() -> None:
    assert (await verified(ONE.sign(claims(sub="shop", client_id="shop")), users=users())).subject == "client:shop"


def test_two_issuers_whose_users_could_be_mistaken_for_each_other_are_refused() -> None:
    with pytest.raises(Refusal, match=r"issuers\.partner: its users could be taken for those of issuers\.users"):
        issuers_of({"users": users(), "partner": partner(subject_prefix=None)}, {})
    with pytest.raises(Refusal, match=r"issuers\.users: its users could be taken for those of introspection\.idp"):
        issuers_of({"users": users()}, {"idp": asked(issuer=OTHER_ISS)})
    issuers_of({"users": users(subject_prefix=""), "partner": partner(subject_prefix="")}, {})  # on purpose
    issuers_of({"users": users()}, {"idp": asked()})  # one issuer, two kinds of tokens


def test_s004_s032_every_fault_of_every_issuer_is_told_at_once() -> None:
    with pytest.raises(Refusal) as error:
        issuers_of(
            {
                "short": users(issuer="a", jwks_url=None, secret="x" * 31, algorithms=["HS256"], subject_prefix=""),
                "mixed": partner(algorithms=["RS256", "HS256"], issuer="b", subject_prefix="b:"),
                "none": partner(jwks_url=None, issuer="c", subject_prefix="c:"),
                "plain": partner(jwks_url="http://idp.example/keys", issuer="d", subject_prefix="d:"),
            },
            {},
        )
    told = "\n".join(error.value.faults)
    for part in ("issuers.short: ", "31 bytes", "issuers.mixed: ", "mixes", "issuers.none: ", "issuers.plain: ", "not https"):
        assert part in told
    assert "xxxxx" not in told


@pytest.mark.parametrize(
    "secret",
    ["", " ", "secret", "changeme", "change-me-please", "password", "your-256-bit-secret", "my_client_secret", "${SECRET}",
     "{{ secret }}", "<client secret>", "example-secret-1234567", "default", "a" * 32, "short1", "REPLACE_ME_123"],
)  # fmt: skip
def test_s150_a_secret_that_everybody_knows_or_nobody_set_is_refused(secret: str) -> None:
    assert why_weak(secret) is not None
    with pytest.raises(Refusal, match=r"introspection\.idp: client_secret"):
        introspection_of({"idp": asked(client_secret=secret)}, {})
    with pytest.raises(Refusal, match=r"issuers\.own"):
        issuers_of({"own": users(jwks_url=None, algorithms=["HS256"], secret=secret)}, {})


@pytest.mark.parametrize(
    "secret", [STRONG, "d41d8cd98f00b204e9800998ecf8427e", "x8<K}2$pQ{{z9"[:9] + "T5w", "correct horse battery staple"]
)
def test_a_secret_that_was_drawn_at_random_is_taken(secret: str) -> None:
    assert why_weak(secret) is None


def test_an_introspection_server_that_cannot_be_safe_is_refused() -> None:
    with pytest.raises(Refusal, match="not https"):
        introspection_of({"idp": asked(url="http://idp.example/introspect")}, {})
    with pytest.raises(Refusal, match="keep one"):
        introspection_of({"idp": asked(tenant="a", tenant_claim="b")}, {})
    with pytest.raises(Refusal, match=r"would be shown the tokens of introspection\.a"):
        introspection_of({"a": asked(), "b": asked()}, {})
    assert introspection_of({}, {}) is None


def test_api_keys_need_a_place(tmp_path: Path) -> None:
    assert api_keys_of(ApiKeySettings(), None) is None
    assert api_keys_of(ApiKeySettings(), MemoryStore(10_000)) is None  # it would forget them
    assert api_keys_of(ApiKeySettings(file=tmp_path / "keys.json"), None) is not None
