"""For backends: who asks, by the gateway's own word (`[services.NAME] identity = "token"`), checked.

    from bff.inside import HEADER, NotInside, Verifier

    verifier = Verifier("http://gateway.internal:8001/.well-known/jwks.json", audience="orders")

    async def asker(request: Request) -> Identity:          # FastAPI: `who: Annotated[Identity, Depends(asker)]`
        try:
            return await verifier.averify(request.headers.get(HEADER))
        except NotInside as error:
            raise HTTPException(401) from error              # log `error.reason`, tell nobody

    @app.get("/orders/{order_id}")
    async def order(order_id: str, who: Annotated[Identity, Depends(asker)]) -> Order:
        found = ...
        if found.user_id != who.id:
            raise HTTPException(404)                         # somebody else's is as missing as one that is not there

The header's value is a JWT, signed with EdDSA by the gateway, for this one service (`aud`) and some 30 to 60 seconds.
It is PyJWT that reads it; this file and inside_keys.py need nothing else of the product. In another language, a JWT library
does with: the keys of `/.well-known/jwks.json`, algorithm EdDSA alone, `typ` thali-inside+jwt, `iss`, `aud`, `exp`.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import jwt
from jwt.exceptions import PyJWTError
from jwt.types import Options

from bff.inside_keys import NoKeys, read_keys

__all__ = ["HEADER", "TYP", "Identity", "NotInside", "Verifier"]

# A header of its own, not `Authorization`: a backend that takes users' tokens too cannot mistake the one for the other,
# and any gateway that drops the internal namespace (x-internal-*) drops a forged one.
HEADER: Final = "x-internal-identity"
TYP: Final = "thali-inside+jwt"  # RFC 8725 section 3.11: no other token of anybody passes for one of these
ALGORITHM: Final = "EdDSA"

LEEWAY: Final = 5.0  # seconds that two machines' clocks may differ; those of one network do by far less
LONGEST: Final = 60.0  # seconds between `iat` and `exp`, whatever a token says of itself
LARGEST: Final = 12 * 1024  # characters of a token; the gateway takes none over 8 KB, and says little more than that said
SOFT: Final = 300.0  # seconds that fetched keys are taken without looking again
HARD: Final = 24 * 3600.0  # seconds that they are believed while they cannot be fetched
PAUSE: Final = 10.0  # seconds between fetches, however many unknown key ids come: each could be a stranger's
FIRST_PAUSE: Final = 1.0  # while there are no keys at all: a gateway that starts later than its backends
KEPT: Final = 1_000  # verified tokens remembered until they expire: 0.7 MB, and a check is 0.1 ms


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `id` is None when nobody in particular does: a guest, or the gateway for all."""

    id: str | None
    app: str = ""
    scopes: frozenset[str] = frozenset()
    tenant: str | None = None
    key: str | None = None  # the id of the API key it came with
    expires_at: int = field(default=0, compare=False)  # seconds since 1970


class NotInside(Exception):
    """The value is not the gateway's word for this service. `reason` is for logs, never for who sent it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Verifier:
    """Checks what the gateway says of callers to one service.

    `jwks` is where the gateway's public keys are, an address or a file: read when first needed, kept 5 minutes, and a day
    while they cannot be had. `audience` is the service's name in bff.toml, `issuer` the gateway's
    `[inside] issuer`. `verify` blocks while it fetches; in a program with an event loop await `averify`.
    """

    def __init__(
        self,
        jwks: str,
        audience: str,
        *,
        issuer: str = "thali",
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jwks, self._audience, self._issuer = jwks, audience, issuer
        self._wall, self._now = wall, now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._known: dict[str, Identity] = {}
        self._reading, self._fetching, self._keeping = threading.Lock(), asyncio.Lock(), threading.Lock()

    def verify(self, value: str | None) -> Identity:
        """Who asks, by the header's value (None: it was not there). Raises NotInside."""
        known = self._remembered(value)
        if known is not None:
            return known
        token, kid = _opened(value)
        if self._wanting(kid, self._reading.locked()):
            with self._reading:
                if self._wanting(kid):
                    self._take()
        return self._checked(token, kid)

    async def averify(self, value: str | None) -> Identity:
        """The same without blocking the loop."""
        known = self._remembered(value)
        if known is not None:
            return known
        token, kid = _opened(value)
        if self._wanting(kid, self._fetching.locked()):
            async with self._fetching:
                if self._wanting(kid):
                    await asyncio.to_thread(self._take)
        return self._checked(token, kid)

    def _remembered(self, value: str | None) -> Identity | None:
        known = self._known.get(value) if value is not None else None
        return known if known is not None and self._wall() < known.expires_at else None

    def _wanting(self, kid: str, another: bool = False) -> bool:
        """Whether to look for the keys, or to wait for `another` who does: the one that is named is not here, or old.

        Nobody waits for another to renew what is old.
        """
        now = self._now()
        if now - self._tried < (PAUSE if self._keys else FIRST_PAUSE):
            return False
        return kid not in self._keys or (now - self._fetched >= SOFT and not another)

    def _take(self) -> None:
        """Have the keys anew. When they cannot be had, those at hand serve on, for a day."""
        try:
            self._keys = read_keys(self._jwks)
            self._fetched = self._now()
        except NoKeys:
            if self._now() - self._fetched >= HARD:
                self._keys = {}
        finally:
            self._tried = self._now()  # last: until then, who needs a key waits for it

    def _checked(self, token: str, kid: str) -> Identity:
        key = self._keys.get(kid)
        if key is None:
            raise NotInside("key")
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options=_STRICT,
            )
        except PyJWTError as error:
            raise NotInside(type(error).__name__) from error
        found = _identity(claims, self._wall())
        with self._keeping:
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[token] = found
        return found


# Its times are judged here: PyJWT reads the machine's clock, and knows of no longest lifetime.
_STRICT: Final[Options] = {
    "require": ["iss", "aud", "iat", "exp", "jti"],
    "strict_aud": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


def _opened(value: str | None) -> tuple[str, str]:
    """The token and the id of its key, if it is one of these at all: judged before any key is looked for."""
    if not value:
        raise NotInside("absent")
    if len(value) > LARGEST:
        raise NotInside("size")
    try:
        header = jwt.get_unverified_header(value)
    except (PyJWTError, ValueError, RecursionError) as error:  # what is no text at all, or nested without end
        raise NotInside("form") from error
    kid = header.get("kid")
    if header.get("typ") != TYP or header.get("alg") != ALGORITHM or "crit" in header or not isinstance(kid, str):
        raise NotInside("type")
    return value, kid


def _identity(claims: dict[str, object], wall: float) -> Identity:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise NotInside("claims")
    if issued > wall + LEEWAY or expires + LEEWAY <= wall or not 0 < expires - issued <= LONGEST:
        raise NotInside("time")
    return Identity(
        _text(claims, "sub"),
        _text(claims, "azp") or "",
        frozenset((_text(claims, "scope") or "").split()),
        _text(claims, "tenant"),
        _text(claims, "key"),
        expires,
    )


def _text(claims: dict[str, object], name: str) -> str | None:
    value = claims.get(name)
    if value is None or isinstance(value, str):
        return value
    raise NotInside("claims")
