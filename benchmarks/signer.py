"""Who signs the bench caller's token: a key that is no secret, so that its public half is the same in every run."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER, AUDIENCE = "https://issuer.bench.invalid", "bench"  # as in benchmarks/thali/bff.toml
_KEY = Ed25519PrivateKey.from_private_bytes(b"thali benchmark key, no secret!!")


def jwks() -> bytes:
    """The issuer's published keys."""
    public: dict[str, Any] = OKPAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
    return json.dumps({"keys": [{**public, "kid": "bench", "alg": "EdDSA", "use": "sig"}]}).encode()


def token() -> str:
    """A caller's access token, good for the hours that a run may take."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "client_id": "bench", "iat": now, "exp": now + 8 * 3600}
    return jwt.encode(claims, _KEY, algorithm="EdDSA", headers={"kid": "bench", "typ": "at+jwt"})
