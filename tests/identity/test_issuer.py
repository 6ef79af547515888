"""Issuers that cannot be safe are refused at the start, with the mend."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm

from bff.errors import Refusal
from bff.identity.issuer import Issuer
from tests.identity.tokens import ISS, JWKS, SECRET, Documents, Time, claims, forge, issuer, signer, verifier

PUBLIC_KEY: bytes = signer().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]

UNSAFE: dict[str, tuple[dict[str, Any], str]] = {
    "S001 none": ({"algorithms": ("none",)}, "none are not taken"),
    "S004 HS with RS": ({"algorithms": ("RS256", "HS256")}, "mixes"),
    "S004 HS with a key set": ({"algorithms": ("HS256",)}, "whose keys are public"),
    "a secret with RS": ({"jwks_url": None, "secret": SECRET}, "a secret cannot go with"),
    "S032 31 bytes": ({"jwks_url": None, "algorithms": ("HS256",), "secret": SECRET[:-1]}, "31 bytes"),
    "S032 32 bytes for HS512": ({"jwks_url": None, "algorithms": ("HS512",), "secret": SECRET}, "64 bytes"),
    "S032 nothing": ({"jwks_url": None, "algorithms": ("HS256",), "secret": b""}, "empty"),
    "S003 a public key as secret": (
        {"jwks_url": None, "algorithms": ("HS256",), "secret": PUBLIC_KEY},
        "asymmetric key",
    ),
    "no algorithm": ({"algorithms": ()}, "algorithms is empty"),
    "no keys": ({"jwks_url": None}, "either jwks_url or secret"),
    "both kinds of keys": ({"secret": SECRET}, "either jwks_url or secret"),
    "no name": ({"name": ""}, "must not be empty"),
    "no audience": ({"audience": ""}, "must not be empty"),
    "no typ": ({"typ": ()}, "typ is empty"),
    "plain http": ({"jwks_url": "http://id.example/keys"}, "not https"),
    "no host": ({"jwks_url": "https:///keys"}, "must be https"),
    "a file": ({"jwks_url": "file:///etc/passwd"}, "must be https"),
    "a password": ({"jwks_url": "https://user:pass@id.example/keys"}, "without user"),
    "leeway without end": ({"leeway": float("inf")}, "leeway"),
    "two tenants": ({"tenant": "a", "tenant_claim": "org"}, "keep one"),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_issuer_is_refused_with_the_mend(name: str) -> None:
    changes, told = UNSAFE[name]
    with pytest.raises(Refusal) as refused:
        Issuer(**{"name": ISS, "audience": "bff", "algorithms": ("RS256",), "jwks_url": JWKS, **changes})
    assert any(told in fault for fault in refused.value.faults), refused.value.faults
    assert SECRET[:-1].decode() not in str(refused.value)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refusal) as refused:
        Issuer("", "bff", (), "http://id.example/")
    assert len(refused.value.faults) == 3


@pytest.mark.parametrize("url", ["http://127.0.0.1:9101/keys", "http://localhost/keys", "http://[::1]/keys"])
def test_plain_http_is_fine_within_the_machine(url: str) -> None:
    assert issuer(jwks_url=url).jwks_url == url


def test_plain_http_elsewhere_must_be_asked_for() -> None:
    assert issuer(jwks_url="http://users:9101/keys", allow_http=True).allow_http


def test_a_secret_does_not_show() -> None:
    assert SECRET.decode() not in repr(Issuer(ISS, "bff", ("HS256",), secret=SECRET))


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (issuer(), issuer(jwks_url="https://elsewhere.example/keys"), "the same name"),
        (issuer(), issuer("https://other.example/"), "the same jwks_url"),
        (
            Issuer("a", "bff", ("HS256",), secret=SECRET),
            Issuer("b", "bff", ("HS256",), secret=SECRET),
            "the same secret",
        ),
    ],
)
def test_two_issuers_that_could_sign_as_each_other_are_refused(first: Issuer, second: Issuer, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        verifier(Documents(), Time(), first, second)
    assert SECRET.decode() not in str(refused.value)


async def test_a_shared_secret_verifies_and_needs_no_kid() -> None:
    checks = verifier(Documents(), Time(), Issuer(ISS, "bff", ("HS256",), secret=SECRET))
    hmac = HMACAlgorithm(HMACAlgorithm.SHA256)
    token = forge({"alg": "HS256", "typ": "at+jwt"}, claims(), lambda signed: hmac.sign(signed, SECRET))
    assert (await checks.verify(token)).subject == "user-7"
    await checks.close()
