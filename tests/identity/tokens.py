"""What the tests of this directory sign with, fetch from and read the time by."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from bff.identity.issuer import Issuer
from bff.identity.jwt import JwtVerifier
from bff.identity.key_document import Fetch, KeysNotHad

ISS = "https://id.example/"
OTHER_ISS = "https://id.other.example/"
JWKS = "https://id.example/keys"
OTHER_JWKS = "https://id.other.example/keys"
NOW = 1_800_000_000
SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Signer:
    """A private key under a name."""

    kid: str
    algorithm: str
    private: object

    def jwk(self, **changes: object) -> dict[str, object]:
        """The public half as a set has it; a change to None takes the member out."""
        public = self.private.public_key()  # type: ignore[attr-defined]  # the three kinds of key share no base class
        jwk = get_default_algorithms()[self.algorithm].to_jwk(public, as_dict=True)
        jwk = {**jwk, "kid": self.kid, "use": "sig", "alg": self.algorithm, "key_ops": ["verify"], **changes}
        return {name: value for name, value in jwk.items() if value is not None}

    def private_jwk(self) -> dict[str, object]:
        return {**get_default_algorithms()[self.algorithm].to_jwk(self.private, as_dict=True), "kid": self.kid}

    def sign(self, claims: dict[str, object] | bytes, **header: object) -> str:
        return forge({"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt", **header}, claims, self.signature)

    def signature(self, signed: bytes) -> bytes:
        return get_default_algorithms()[self.algorithm].sign(signed, self.private)


@cache
def signer(kid: str = "k1", algorithm: str = "RS256") -> Signer:
    """One key a name and algorithm: making RSA keys is slow."""
    kinds: dict[str, Callable[[], object]] = {
        "RS": lambda: rsa.generate_private_key(65537, 2048),
        "PS": lambda: rsa.generate_private_key(65537, 2048),
        "ES": lambda: ec.generate_private_key(ec.SECP256R1()),
        "Ed": ed25519.Ed25519PrivateKey.generate,
    }
    return Signer(kid, algorithm, kinds[algorithm[:2]]())


def part(value: object) -> bytes:
    """One base64url part; bytes stand for themselves."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def forge(header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
    """A compact token of anything at all."""
    signed = part(header) + b"." + part(claims)
    return (signed + b"." + part(sign(signed))).decode()


def claims(**changes: object) -> dict[str, object]:
    """Good claims; a change to None takes the claim out."""
    good: dict[str, object] = {
        "iss": ISS,
        "sub": "user-7",
        "aud": "bff",
        "iat": NOW - 10,
        "exp": NOW + 300,
        "scope": "orders:read orders:write",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def key_set(*jwks: dict[str, object]) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def issuer(name: str = ISS, jwks_url: str = JWKS, **changes: object) -> Issuer:
    return Issuer(name, "bff", ("RS256", "ES256"), jwks_url, **changes)  # type: ignore[arg-type]  # spread by name


@dataclass
class Time:
    """A clock set by hand. `wall` and `now` go together."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return NOW + self.at


@dataclass
class Documents:
    """A Fetch from memory that counts; an address without a document cannot be reached."""

    by_url: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.by_url:
            raise KeysNotHad("unreachable")
        return self.by_url[url]


def verifier(fetch: Fetch, clock: Time, *issuers: Issuer) -> JwtVerifier:
    return JwtVerifier(issuers or (issuer(),), fetch, wall=clock.wall, now=clock.now)
