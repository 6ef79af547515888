"""The gateway's public keys, read from its address or from a file: what `bff.inside` checks with."""

import json
from pathlib import Path
from typing import Final

import httpx
import jwt
from jwt.exceptions import PyJWTError

FETCH: Final = 2.0  # seconds for one
LARGEST_SET: Final = 64 * 1024


class NoKeys(Exception):
    """They cannot be had now, or what was had is no key set."""


def read_keys(jwks: str) -> dict[str, jwt.PyJWK]:
    """The keys by their ids, of a set that has at least one. Raises NoKeys, and nothing else."""
    try:
        document = json.loads(_read(jwks))
        entries = document["keys"] if isinstance(document, dict) else None
    except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, RecursionError) as fault:
        raise NoKeys(f"{jwks}: {fault}") from fault
    keys = [_key(entry) for entry in entries] if isinstance(entries, list) else []
    found = {key.key_id: key for key in keys if key is not None and key.key_id is not None}
    if not found:
        raise NoKeys(f"{jwks}: not a key set")
    return found


def _read(jwks: str) -> bytes:
    if not jwks.startswith(("http://", "https://")):
        return Path(jwks).read_bytes()
    # no redirect is followed, and no proxy of the environment asked: whoever answers decides whom we believe
    with httpx.Client(timeout=FETCH, trust_env=False, follow_redirects=False) as client:
        reply = client.get(jwks)
    if reply.status_code != httpx.codes.OK or len(reply.content) > LARGEST_SET:
        raise ValueError("not a key set")
    return reply.content


def _key(entry: object) -> jwt.PyJWK | None:
    """None for an entry that is no key we can use: the others are good without it (RFC 7517 section 5)."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    try:
        return jwt.PyJWK.from_dict(entry)
    except (PyJWTError, ValueError, TypeError):
        return None
