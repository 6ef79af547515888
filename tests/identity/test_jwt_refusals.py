"""Every way a token can be bad (S001 to S028, S031), each refused with its reason and without a call to anybody."""

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm

from bff.identity.jwt import JwtVerifier, Unauthenticated
from tests.identity.tokens import (
    ISS,
    JWKS,
    NOW,
    OTHER_ISS,
    OTHER_JWKS,
    Documents,
    Time,
    claims,
    forge,
    issuer,
    key_set,
    part,
    signer,
    verifier,
)

K1 = signer()
MALLORY = signer("mallory")
OTHER = signer("other")
STRANGER = "https://id.stranger.example/"
GOOD = K1.sign(claims())
ELSE = K1.sign(claims(sub="user-8"))


async def ready() -> tuple[JwtVerifier, Documents]:
    """A verifier of two issuers with their keys already here, so that what is fetched later, a token caused."""
    documents = Documents({JWKS: key_set(K1.jwk()), OTHER_JWKS: key_set(OTHER.jwk())})
    checks = verifier(documents, Time(), issuer(), issuer(OTHER_ISS, OTHER_JWKS))
    await checks.warm()
    documents.asked.clear()
    return checks, documents


def header(**changes: object) -> dict[str, object]:
    return {"alg": "RS256", "kid": "k1", "typ": "at+jwt", **changes}


def with_public_key_as_secret(encoding: Encoding, form: PublicFormat) -> str:
    public = K1.private.public_key().public_bytes(encoding, form)  # type: ignore[attr-defined]
    return forge(header(alg="HS256"), claims(), lambda signed: HMACAlgorithm(HMACAlgorithm.SHA256).sign(signed, public))


def swapped(index: int, other: str) -> str:
    parts = GOOD.split(".")
    parts[index] = other.split(".")[index]
    return ".".join(parts)


def one_bit_flipped_in_signature() -> str:
    """The lowest of the bits that a lenient decoder drops: of the 342nd character of 256 bytes, four are to spare."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return GOOD[:-1] + letters[letters.index(GOOD[-1]) ^ 1]


def nested() -> str:
    token = GOOD
    for _ in range(5):
        token = K1.sign(token.encode(), cty="JWT", typ="at+jwt")
    return token


def raw_claims(extra: str) -> str:
    return K1.sign((json.dumps(claims())[:-1] + extra + "}").encode())


BAD: dict[str, tuple[Callable[[], str], str]] = {
    "S001 alg none": (lambda: forge(header(alg="none"), claims(), lambda _: b"x"), "algorithm"),
    "S001 alg none, unsigned": (lambda: forge(header(alg="none"), claims(), lambda _: b""), "malformed"),
    "S002 alg nOnE": (lambda: forge(header(alg="nOnE"), claims(), lambda _: b"x"), "algorithm"),
    "S003 HS256 with the public key, PEM": (
        lambda: with_public_key_as_secret(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "algorithm",
    ),
    "S003 HS256 with the public key, DER": (
        lambda: with_public_key_as_secret(Encoding.DER, PublicFormat.PKCS1),
        "algorithm",
    ),
    "S005 signature stripped": (lambda: GOOD.rpartition(".")[0] + ".", "malformed"),
    "S005 signature and dot stripped": (lambda: GOOD.rpartition(".")[0], "malformed"),
    "S006 signature of another token": (lambda: swapped(2, ELSE), "signature"),
    "S006 claims of another token": (lambda: swapped(1, ELSE), "signature"),
    "S007 a bit flipped in the spare bits": (one_bit_flipped_in_signature, "malformed"),
    "S007 a bit flipped in the claims": (lambda: swapped(1, K1.sign(claims(sub="user-6"))), "signature"),
    "S008 no exp": (lambda: K1.sign(claims(exp=None)), "claims"),
    "S011 nbf null": (lambda: raw_claims(', "nbf": null'), "claims"),
    "S009 exp past the leeway": (lambda: K1.sign(claims(iat=NOW - 90, exp=NOW - 30)), "expired"),
    "S010 exp 1e308": (lambda: K1.sign(json.dumps(claims(exp=0)).replace(": 0,", ": 1e308,").encode()), "claims"),
    "S010 exp 10**300": (lambda: K1.sign(claims(exp=10**300)), "claims"),
    "S010 exp text": (lambda: K1.sign(claims(exp=str(NOW + 300))), "claims"),
    "S010 exp true": (lambda: K1.sign(claims(exp=True)), "claims"),
    "S010 exp Infinity": (lambda: K1.sign(claims(exp=float("inf"))), "malformed"),
    "S010 exp with 5,000 digits": (
        lambda: K1.sign(json.dumps(claims(exp=0)).replace(": 0,", f": {'9' * 5000},").encode()),
        "malformed",
    ),
    "S010 exp a year on": (lambda: K1.sign(claims(exp=NOW + 365 * 86400)), "lifetime"),
    "S010 exp before iat": (lambda: K1.sign(claims(iat=NOW, exp=NOW - 5)), "lifetime"),
    "S011 nbf in the future": (lambda: K1.sign(claims(nbf=NOW + 31)), "not-yet"),
    "S012 iat in the future": (lambda: K1.sign(claims(iat=NOW + 31)), "not-yet"),
    "S012 iat in the future, nbf in the past": (lambda: K1.sign(claims(iat=NOW + 31, nbf=NOW)), "not-yet"),
    "S012 no iat": (lambda: K1.sign(claims(iat=None)), "claims"),
    "S013 no aud": (lambda: K1.sign(claims(aud=None)), "claims"),
    "S013 aud empty": (lambda: K1.sign(claims(aud=[])), "audience"),
    "S014 aud of another service": (lambda: K1.sign(claims(aud="billing")), "audience"),
    "S014 aud that begins alike": (lambda: K1.sign(claims(aud=["bff2", "BFF", "b"])), "audience"),
    "S014 aud of strange form": (lambda: K1.sign(claims(aud=["bff", {}])), "claims"),
    "S015 a stranger's token, in good order": (lambda: MALLORY.sign(claims(iss=STRANGER)), "issuer"),
    "S015 iss of A, key of B": (lambda: OTHER.sign(claims()), "key"),
    "S015 iss of A, kid of A, key of B": (lambda: OTHER.sign(claims(), kid="k1"), "signature"),
    "S016 iss without its slash": (lambda: K1.sign(claims(iss=ISS.rstrip("/"))), "issuer"),
    "S016 iss in capitals": (lambda: K1.sign(claims(iss=ISS.upper())), "issuer"),
    "no iss": (lambda: K1.sign(claims(iss=None)), "issuer"),
    "iss a list": (lambda: K1.sign(claims(iss=[ISS])), "issuer"),
    "S017 ID token by typ": (lambda: K1.sign(claims(nonce="n"), typ="JWT"), "type"),
    "S017 no typ": (lambda: forge({"alg": "RS256", "kid": "k1"}, claims(), K1.signature), "type"),
    "S017 ID token under a false typ": (lambda: K1.sign(claims(at_hash="h")), "type"),
    "S018 logout token by typ": (lambda: K1.sign(claims(), typ="logout+jwt"), "type"),
    "S018 logout token under a false typ": (
        lambda: K1.sign(claims(events={"http://schemas.openid.net/event/backchannel-logout": {}})),
        "type",
    ),
    "S019 embedded jwk": (lambda: MALLORY.sign(claims(), kid="k1", jwk=MALLORY.jwk()), "header"),
    "S020 jku": (lambda: MALLORY.sign(claims(), kid="k1", jku="https://evil.example/keys"), "header"),
    "S021 x5u": (lambda: MALLORY.sign(claims(), kid="k1", x5u="http://169.254.169.254/latest"), "header"),
    "S021 x5c": (lambda: MALLORY.sign(claims(), kid="k1", x5c=["MII="]), "header"),
    "S022 kid a path": (lambda: MALLORY.sign(claims(), kid="../../dev/null"), "key"),
    "S023 kid SQL": (lambda: K1.sign(claims(), kid="' OR 1=1 --"), "header"),
    "S023 kid NUL": (lambda: K1.sign(claims(), kid="k1\0"), "header"),
    "S023 kid newline": (lambda: K1.sign(claims(), kid="k1\nlevel=info"), "header"),
    "S024 kid long": (lambda: K1.sign(claims(), kid="k" * 129), "header"),
    "S024 kid 1 MB": (lambda: K1.sign(claims(), kid="k" * 1_000_000), "too-long"),
    "kid a number": (lambda: K1.sign(claims(), kid=1), "header"),
    "no kid": (lambda: forge({"alg": "RS256", "typ": "at+jwt"}, claims(), K1.signature), "header"),
    "S025 unknown crit": (lambda: K1.sign(claims(), crit=["exp"], exp=1), "header"),
    "S025 crit b64": (lambda: K1.sign(claims(), crit=["b64"], b64=False), "header"),
    "S026 over 8 KB": (lambda: K1.sign(claims(pad="x" * 8000)), "too-long"),
    "S027 nested five times": (nested, "malformed"),
    "S027 encrypted, five parts": (lambda: ".".join([GOOD, "AAAA", "AAAA"]), "malformed"),
    "S028 zip": (lambda: K1.sign(claims(), zip="DEF"), "header"),
    "S031 claim twice": (lambda: raw_claims(', "sub": "admin"'), "malformed"),
    "S031 claim twice, escaped": (lambda: raw_claims(r', "s\u0075b": "admin"'), "malformed"),
    "S031 claim twice, deep": (lambda: raw_claims(', "x": {"a": 1, "a": 2}'), "malformed"),
    "header parameter twice": (
        lambda: forge(b'{"alg":"none","alg":"RS256","kid":"k1","typ":"at+jwt"}', claims(), K1.signature),
        "malformed",
    ),
    "alg missing": (lambda: forge({"kid": "k1", "typ": "at+jwt"}, claims(), K1.signature), "algorithm"),
    "alg a list": (lambda: forge(header(alg=["RS256"]), claims(), K1.signature), "algorithm"),
    "alg not the key's": (lambda: forge(header(alg="ES256"), claims(), K1.signature), "signature"),
    "alg not pinned": (lambda: forge(header(alg="RS512"), claims(), K1.signature), "algorithm"),
    "no sub": (lambda: K1.sign(claims(sub=None)), "claims"),
    "sub empty": (lambda: K1.sign(claims(sub="")), "claims"),
    "sub with a newline": (lambda: K1.sign(claims(sub="a\nb")), "claims"),
    "sub half a surrogate pair": (lambda: raw_claims(r', "x": "\ud800"'), "malformed"),
    "scope a number": (lambda: K1.sign(claims(scope=7)), "claims"),
    "claims not an object": (lambda: K1.sign(b'["sub"]'), "malformed"),
    "claims not UTF-8": (lambda: K1.sign(b'{"sub": "\xff"}'), "malformed"),
    "claims in UTF-16": (lambda: K1.sign(json.dumps(claims()).encode("utf-16")), "malformed"),
    "claims nested 3,000 deep": (lambda: K1.sign(b"[" * 3000 + b"]" * 3000), "too-long"),
    "claims nested 2,500 deep": (lambda: K1.sign(b'{"x":' + b"[" * 2500 + b"]" * 2500 + b"}"), "malformed"),
    "padding": (lambda: GOOD + "=", "malformed"),
    "a newline at the end": (lambda: GOOD + "\n", "malformed"),
    "not ASCII": (lambda: GOOD[:-1] + "\u00e9", "malformed"),
    "empty": (lambda: "", "malformed"),
    "dots": (lambda: "..", "malformed"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_refused_for_its_reason_and_calls_nobody(name: str) -> None:
    make, reason = BAD[name]
    token = make()
    checks, documents = await ready()
    for _ in range(2):  # a refusal is not remembered as anything else
        assert checks.cached(token) is None
        with pytest.raises(Unauthenticated) as refused:
            await checks.verify(token)
        assert (refused.value.reason, str(refused.value)) == (reason, reason)
        assert refused.value.__cause__ is None
    assert documents.asked == []
    assert (await checks.verify(GOOD)).subject == "user-7"
    await checks.close()


async def test_an_issuers_own_type_and_application_prefix_and_case_are_taken() -> None:
    checks, _ = await ready()
    for typ in ("at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"):
        assert (await checks.verify(K1.sign(claims(), typ=typ))).issuer == ISS
    await checks.close()


async def test_each_issuer_is_known_by_its_own_key() -> None:
    checks, _ = await ready()
    assert (await checks.verify(OTHER.sign(claims(iss=OTHER_ISS)))).issuer == OTHER_ISS
    await checks.close()


@pytest.mark.parametrize("edge", [{"iat": NOW - 90, "exp": NOW - 29}, {"nbf": NOW + 30}, {"iat": NOW + 30}])
async def test_a_clock_off_by_the_leeway_is_forgiven(edge: dict[str, object]) -> None:
    checks, _ = await ready()
    assert (await checks.verify(K1.sign(claims(**edge)))).subject == "user-7"
    await checks.close()


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(GOOD) - 1), letter=st.characters(max_codepoint=300), cut=st.booleans())
async def test_no_changed_token_is_good_and_none_fails_in_another_way(place: int, letter: str, cut: bool) -> None:
    token = GOOD[:place] + ("" if cut else letter) + GOOD[place + 1 :]
    checks, documents = await ready()
    if token != GOOD:
        with pytest.raises(Unauthenticated):
            await checks.verify(token)
    assert documents.asked == []


@settings(max_examples=100, deadline=None)
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), st.none() | st.integers() | st.text()),
    body=st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "scope", "scp"]),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers()),
    ),
)
async def test_anything_well_signed_is_verified_or_refused(header: dict[str, object], body: dict[str, object]) -> None:
    checks, _ = await ready()
    token = forge({"alg": "RS256", "kid": "k1", "typ": "at+jwt", **header}, {**claims(), **body}, K1.signature)
    try:
        assert (await checks.verify(token)).issuer == ISS
    except Unauthenticated as refused:
        assert token not in str(refused)  # noqa: PT017 (either way out is right)


def test_a_part_is_what_the_standard_says() -> None:
    assert part({"typ": "JWT"}) == b"eyJ0eXAiOiAiSldUIn0"
