"""Tokens that tell nothing themselves: the server that made them is asked (RFC 7662), once for all who wait."""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import Context
from hashlib import sha256
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

from bff.errors import BackendUnreachable, BffError
from bff.identity.claims import Claims
from bff.identity.compact import strict_object
from bff.identity.introspected import Server, claims_of
from bff.identity.revocations import Revocations
from bff.identity.unauthenticated import Reason, Unauthenticated

TTL: Final = 30.0  # seconds an answer is believed: how late a revocation is seen
BAD_TTL: Final = 5.0  # seconds that a "no" is believed: a client that sends a dead token again and again asks once
TIMEOUT: Final = 0.5  # seconds for an answer; half a screen's budget
MAX_KNOWN: Final = 10_000  # good tokens remembered, some 1 KB each
MAX_BAD: Final = 2_000  # bad ones; apart, so that made-up tokens push out no good ones
MAX_FLIGHTS: Final = 100  # questions at once: what more ask is refused rather than heaped upon a server that is slow
GAP: Final = 1.0  # seconds for which nobody asks after a question that failed

_log = logging.getLogger("bff")

_Kept = TypeVar("_Kept")


class Ask(Protocol):
    """The way to a server."""

    async def __call__(self, form: bytes) -> bytes:
        """Post a form and give the answer's body. Raises NotAnswered or OSError."""
        ...

    async def close(self) -> None: ...


class NotAnswered(BffError):
    """The server gave no answer that says anything about the token."""


class Introspector:
    """Asks one server about its tokens, by `ask`. `now` is monotonic. `close` it in the end, and so the way to the server.

    Answers are kept under the SHA-256 of the token, for `ttl` seconds or until the token ends; what the server refuses is
    kept for BAD_TTL. While it cannot be reached, what is known lives on to its end and anything else is a 503.
    """

    def __init__(
        self,
        server: Server,
        ask: Ask,
        *,
        ttl: float = TTL,
        timeout: float = TIMEOUT,
        revocations: Revocations | None = None,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self.asked = 0
        self._ask, self._ttl, self._timeout, self._wall, self._now = ask, ttl, timeout, wall, now
        self._revocations = revocations or Revocations(wall=wall)
        self._good: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()
        self._bad: OrderedDict[bytes, tuple[float, Reason]] = OrderedDict()
        self._flights: dict[bytes, asyncio.Task[None]] = {}
        self._quiet_until = float("-inf")

    def cached(self, token: str) -> Claims | None:
        """What the server said about the token a moment ago, if it did. Raises Unauthenticated."""
        return self._held(_digest(token))

    async def verify(self, token: str) -> Claims:
        """What the server says about the token. Raises Unauthenticated, and BackendUnreachable where nothing is known."""
        digest = _digest(token)
        claims = self._held(digest)
        if claims is None:
            flight = self._flights.get(digest) or self._start(digest, token)
            # A request that is cancelled here leaves the question to the others who wait for its answer.
            await asyncio.wait((flight,))
            claims = self._held(digest)
        if claims is None:
            raise BackendUnreachable("introspection", "it could not be asked", retry_after=GAP)
        return claims

    async def close(self) -> None:
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)
        await self._ask.close()

    def _held(self, digest: bytes) -> Claims | None:
        claims = self._known(digest)
        if claims is not None and self._revocations.hit(claims):
            raise Unauthenticated("revoked")
        return claims

    def _known(self, digest: bytes) -> Claims | None:
        now = self._now()
        good = self._good.get(digest)
        if good is not None and now < good[0]:
            self._good.move_to_end(digest)
            return good[1]
        bad = self._bad.get(digest)
        if bad is not None and now < bad[0]:
            raise Unauthenticated(bad[1])
        return None

    def _start(self, digest: bytes, token: str) -> asyncio.Task[None]:
        if self._now() < self._quiet_until or len(self._flights) >= MAX_FLIGHTS:
            raise BackendUnreachable("introspection", "it fails, or has too much to do", retry_after=GAP)
        # An empty context: whoever comes first lends neither its identity nor its deadline.
        loop = asyncio.get_running_loop()
        flight = loop.create_task(self._question(digest, token), name="introspection", context=Context())
        self._flights[digest] = flight
        return flight

    async def _question(self, digest: bytes, token: str) -> None:
        self.asked += 1
        form = urlencode({"token": token, "token_type_hint": "access_token"}).encode("ascii")
        try:
            async with asyncio.timeout(self._timeout):
                answer = _answer(await self._ask(form))
            _keep(self._good, digest, self._read(answer), MAX_KNOWN)
            self._bad.pop(digest, None)
        except Unauthenticated as refused:
            self._good.pop(digest, None)
            _keep(self._bad, digest, (self._now() + min(BAD_TTL, self._ttl), refused.reason), MAX_BAD)
        except (NotAnswered, OSError) as fault:  # TimeoutError is an OSError
            self._quiet_until = self._now() + GAP
            _log.error("introspection at %s: %s", self.server.issuer, fault or "no answer in time")
        finally:
            del self._flights[digest]

    def _read(self, answer: Mapping[str, object]) -> tuple[float, Claims]:
        claims = claims_of(answer, self.server, self._wall())
        return self._now() + min(self._ttl, claims.expires_at - self._wall()), claims


class Introspection:
    """All servers that are asked. A token is shown to one of them alone: the one whose tokens begin so."""

    def __init__(self, servers: list[Introspector]) -> None:
        self._servers = sorted(servers, key=lambda one: len(one.server.token_prefix), reverse=True)

    def of(self, token: str) -> Introspector | None:
        """Who is to be asked about it; None for a signed token, which is never shown to anybody, and for nobody's."""
        if looks_signed(token):
            return None
        return next((one for one in self._servers if token.startswith(one.server.token_prefix)), None)

    async def close(self) -> None:
        for one in self._servers:
            await one.close()


# Dots of a JWS and of a JWE in their compact form (RFC 7515 and 7516, section 7.1), and `{` in base64url, whatever follows.
_DOTS: Final = (2, 4)
_OBJECT: Final = re.compile(r"e[w-z0-9_-]")


def looks_signed(token: str) -> bool:
    """Whether a token is, or pretends to be, one that tells by itself what it is."""
    return _OBJECT.match(token) is not None and token.count(".") in _DOTS


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()


def _answer(body: bytes) -> Mapping[str, object]:
    try:
        answer = strict_object(body)
    except (ValueError, RecursionError):
        raise NotAnswered("its answer is not a JSON object") from None
    if not isinstance(answer.get("active"), bool):
        raise NotAnswered("its answer does not say whether the token is active")
    return answer


def _keep(where: OrderedDict[bytes, tuple[float, _Kept]], digest: bytes, what: tuple[float, _Kept], most: int) -> None:
    where[digest] = what
    where.move_to_end(digest)
    if len(where) > most:
        where.popitem(last=False)
