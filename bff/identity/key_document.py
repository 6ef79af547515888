"""An issuer's published keys: how the document is fetched, and how it is read (RFC 7517)."""

import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from bff.errors import BffError
from bff.identity.algorithms import FITTING, Key, too_weak
from bff.identity.compact import canonical, strict_object

MAX_BODY = 64 * 1024  # the largest sets in common use, certificates and all, have a quarter of this
MAX_KEYS = 50  # reading a key costs some 20 us of the loop's time
MAX_NUMBER = 8192 // 8  # bytes of RSA's modulus; what it costs to verify grows with the square, and nobody uses more
# Members that are bytes in base64url (RFC 7518 section 6). PyJWT's decoder skips what is no letter of it.
_NUMBERS: Final = ("n", "e", "x", "y")
# Every kid in use is base64, a UUID, a date or an address. Whatever else it might be, it would stand in a log line.
KID: Final = re.compile(r"[A-Za-z0-9_.~:/+=@-]{1,128}")

_KINDS: Final = [list(kind) for kind in FITTING]  # lists: what comes may not be hashable

_ASKING = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets an address's body or raises KeysNotHad or OSError. It follows no redirect and reads at most MAX_BODY."""


class KeysNotHad(BffError):
    """The keys could not be fetched, or what came has no usable key in it."""


def http_fetch(context: ssl.SSLContext | None = None) -> Fetch:
    """A Fetch over httpx. `context` says whose certificates to believe; by default, the system's.

    Each fetch has a client of its own: httpx 0.28 loses a pool's slot when a call is cancelled, as a hung issuer's are,
    and would keep cookies. A fetch in five minutes has no use for a pool; what is dear, the TLS context, is shared.
    """
    context = context or ssl.create_default_context()

    async def fetch(url: str) -> bytes:
        try:
            async with (
                httpx.AsyncClient(verify=context, headers=_ASKING, trust_env=False, follow_redirects=False) as client,
                client.stream("GET", url) as reply,
            ):
                return await _body(reply)
        except httpx.HTTPError as fault:
            raise KeysNotHad(f"{type(fault).__name__}: {fault}") from fault

    return fetch


async def _body(reply: httpx.Response) -> bytes:
    if reply.status_code != httpx.codes.OK:
        raise KeysNotHad(f"status {reply.status_code}")
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise KeysNotHad("it is compressed, which was not asked for: its size cannot be told")
    body = bytearray()
    async for piece in reply.aiter_raw():
        body += piece
        if len(body) > MAX_BODY:
            raise KeysNotHad(f"longer than {MAX_BODY} bytes")
    return bytes(body)


def read_keys(body: bytes) -> dict[str, Key]:
    """The usable keys of a set, by kid. Raises KeysNotHad when it has none: a fault, not a revocation of all."""
    if len(body) > MAX_BODY:
        raise KeysNotHad(f"longer than {MAX_BODY} bytes")
    try:
        document = strict_object(body)
    except (ValueError, RecursionError) as fault:
        raise KeysNotHad(f"not JSON: {fault}") from fault
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise KeysNotHad("not a key set")
    keys: dict[str, Key] = {}
    for entry in entries[:MAX_KEYS]:
        if _wanted(entry) and entry["kid"] not in keys and (key := _key(entry)) is not None:
            keys[entry["kid"]] = key
    if not keys:
        raise KeysNotHad("no usable key in the set")
    return keys


def _wanted(entry: object) -> bool:
    """Whether this is a public signature key of a kind we know, with a name we can look up.

    A key that is published with its private part (`d`) is everybody's: whatever it signs proves nothing.
    """
    if not isinstance(entry, dict) or "d" in entry:
        return False
    kid, operations = entry.get("kid"), entry.get("key_ops", ["verify"])
    return (
        isinstance(kid, str)
        and KID.fullmatch(kid) is not None
        and [entry.get("kty"), entry.get("crv")] in _KINDS
        and isinstance(entry.get("alg", ""), str)
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and all(name not in entry or canonical(entry[name], MAX_NUMBER) for name in _NUMBERS)
    )


def _key(entry: dict[str, str]) -> Key | None:
    fitting = FITTING[entry["kty"], entry.get("crv")]
    algorithms = fitting if "alg" not in entry else fitting & {entry["alg"]}
    if not algorithms:  # judged before PyJWT sees it: an `alg` of "none" breaks its whole set
        return None
    try:
        jwk: PyJWK = PyJWKSet([entry]).keys[0]
    except PyJWTError:  # numbers that make no key
        return None
    strong = frozenset(algorithm for algorithm in algorithms if too_weak(algorithm, jwk.key) is None)
    return Key(jwk.key, strong) if strong else None
