"""Signs the demo's access tokens. The key is kept beside the data, so a restart leaves tokens valid."""

import base64
import fcntl
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER, AUDIENCE = "https://users.thali.example", "thali"
LIFETIME = 3600  # seconds
SCOPES = ("profile", "orders:read", "orders:write", "payments:read", "reviews:write")  # what a login gives


class Tokens:
    """RFC 9068 access tokens, ES256."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self._public = {"crv": "P-256", "kty": "EC", "x": octets(numbers.x), "y": octets(numbers.y)}
        digest = hashlib.sha256(json.dumps(self._public, separators=(",", ":"), sort_keys=True).encode()).digest()
        self.key_id = base64.urlsafe_b64encode(digest).decode().rstrip("=")  # the thumbprint of RFC 7638

    def sign(self, subject: str, scopes: Sequence[str] = SCOPES) -> str:
        moment = int(time.time())
        claims: dict[str, object] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "client_id": "thali-demo", "scope": " ".join(scopes),
            "iat": moment, "exp": moment + LIFETIME, "jti": f"{subject}-{time.time_ns()}",
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self.key_id, "typ": "at+jwt"})

    def key_set(self) -> dict[str, object]:
        """The public half, as /.well-known/jwks.json has it."""
        return {"keys": [{**self._public, "kid": self.key_id, "use": "sig", "alg": "ES256"}]}


def octets(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")


def load_tokens(where: Path) -> Tokens:
    """The tokens of the key under `where`, which is made the first time."""
    file = where / "signing-key.pem"
    file.touch(mode=0o600)
    with file.open("r+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)  # two processes that start together must end with one key
        text = opened.read()
        if not text:
            text = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            opened.write(text)
            opened.flush()
    key = serialization.load_pem_private_key(text, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Tokens(key)
