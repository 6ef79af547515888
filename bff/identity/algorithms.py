"""The signature algorithms that tokens may use, and which keys fit which.

PyJWT does the cryptography. What it would decide by the token's header (algorithm, kind of key) is decided before it is
asked: a key says what it may verify, and the algorithm is one that the issuer's settings name (RFC 8725 section 3.1).
"""

from dataclasses import dataclass, field
from typing import Final

from jwt.algorithms import Algorithm, get_default_algorithms

ASYMMETRIC: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})

# Own copies: PyJWT's own table can be changed by anyone who calls jwt.register_algorithm.
_IMPLEMENTED: Final[dict[str, Algorithm]] = {
    name: algorithm for name, algorithm in get_default_algorithms().items() if name in ASYMMETRIC | SYMMETRIC
}

# RFC 7518 section 3 and RFC 8037: the algorithms of a key by its kty and crv.
FITTING: Final[dict[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key ready for use, and the algorithms it may verify: never more than its kind allows."""

    material: object = field(repr=False)
    algorithms: frozenset[str]


def holds(key: Key, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's over `signed`. False for an algorithm that the key is not for."""
    return algorithm in key.algorithms and _IMPLEMENTED[algorithm].verify(signed, key.material, signature)


def too_weak(algorithm: str, material: object) -> str | None:
    """Why a key is too short for its algorithm (RFC 7518 sections 3.2 and 3.3), or None."""
    return _IMPLEMENTED[algorithm].check_key_length(material)


def as_secret(algorithm: str, secret: bytes) -> bytes:
    """A secret for HMAC. Raises jwt.InvalidKeyError for a public key or certificate, which are no secrets."""
    prepared: bytes = _IMPLEMENTED[algorithm].prepare_key(secret)
    return prepared
