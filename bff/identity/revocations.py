"""Tokens, sessions and subjects that count no longer, although what was signed about them still holds (S033)."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec

from bff.identity.claims import Claims
from bff.identity.issuer import MAX_LIFETIME
from bff.state.store import StateUnavailable, Store, key_of

# Seconds between two looks at what other instances revoked: three of them may be lost within the ten that are promised.
EVERY: Final = 3.0
# Revocations held at once; 300 bytes each. Far more are a whole issuer's: take the issuer out of bff.toml then.
MOST: Final = 20_000
# Entries read in one turn of the loop: one pipeline of them to Redis.
_AT_ONCE: Final = 100
# Seconds that an entry outlives the tokens it is about: clocks differ.
_SPARE: Final = 60.0

# More digits than such a number has in any life; int() itself refuses to read thousands of them.
_MAX_DIGITS: Final = 15
_HEAD: Final = key_of("revoked", "head")

_log = logging.getLogger("bff")

Kind = Literal["jti", "sid", "sub"]


class Revoked(msgspec.Struct, frozen=True, array_like=True):
    """One revocation. Of a subject it is about tokens issued up to `at` (seconds since 1970), of others about all."""

    kind: Kind
    issuer: str
    value: str
    at: float
    until: float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Revoked).decode


class Revocations:
    """What was revoked, here and by others.

    In a shared store they are a log, numbered from one; every instance reads on from where it was, every EVERY seconds,
    so that a request costs no look-up: it sees by `epoch`, which grows with each revocation, that there is something to
    compare. While the store cannot be reached what was known before holds, and nothing new is learnt. `keep` is how
    long the tokens in question may live, in seconds.
    """

    def __init__(
        self, store: Store | None = None, *, keep: float = MAX_LIFETIME, wall: Callable[[], float] = time.time
    ) -> None:
        self.epoch = 0
        self._store, self._keep, self._wall = store, keep + _SPARE, wall
        self._held: dict[tuple[str, str, str], Revoked] = {}
        self._read = 0  # the number of the last entry that was read
        self._task: asyncio.Task[None] | None = None

    def hit(self, claims: Claims) -> bool:
        """Whether the token with these claims is revoked."""
        held, issuer, raw = self._held, claims.issuer, claims.raw
        if ("jti", issuer, str(raw.get("jti"))) in held or ("sid", issuer, str(raw.get("sid"))) in held:
            return True
        found = held.get(("sub", issuer, claims.subject))
        return found is not None and claims.issued_at <= found.at  # one that does not say when is as old as can be

    async def revoke(self, kind: Kind, issuer: str, value: str) -> None:
        """Revoke a token by its `jti`, a session by its `sid`, or whatever a subject (its `Caller.id`) holds so far.

        Here it counts at once, elsewhere within EVERY seconds. Raises StateUnavailable when the others could not be
        told: then it holds here alone, and should be tried again.
        """
        now = self._wall()
        entry = Revoked(kind, issuer, value, now, now + self._keep)
        self._take([entry])
        if self._store is None or not self._store.shared:
            return
        await self.look()
        number = self._read + 1
        while not await self._store.add(_place(number), _encode(entry), self._keep):
            number += 1  # another took the place in this moment
        await self._advance(self._store, number)

    async def look(self) -> None:
        """Read what others revoked. Raises StateUnavailable."""
        if self._store is None:
            return
        head = _number(await self._store.get(_HEAD))
        if head < self._read:  # the store was emptied, or all in it has ended
            self._read = 0
        upper = head
        while upper > self._read:
            numbers = range(upper, max(self._read, upper - _AT_ONCE), -1)
            found = await asyncio.gather(*(self._store.get(_place(number)) for number in numbers))
            self._take(entry for text in found if text is not None and (entry := _entry(text)) is not None)
            upper = numbers[-1] - 1
            if not any(found) or head - upper >= MOST:  # all before these have ended
                break
        self._read = head

    def start(self) -> None:
        """Look now and again, in a task of its own."""
        if self._store is not None and self._store.shared:
            self._task = asyncio.create_task(self._watch(), name="revocations")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _watch(self) -> None:
        lost = False
        while True:
            try:
                await self.look()
                lost = False
            except StateUnavailable as fault:
                if not lost:
                    _log.warning("revocations by other instances cannot be read: %s", fault)
                lost = True
            await asyncio.sleep(EVERY)

    async def _advance(self, store: Store, number: int) -> None:
        """Say that the log goes on to `number`; never back, whoever else says so at this moment."""
        text = str(number).encode()
        while True:
            head = await store.get(_HEAD)
            if _number(head) >= number:
                return
            if await (store.add(_HEAD, text, self._keep) if head is None else store.swap(_HEAD, head, text, self._keep)):
                return

    def _take(self, entries: Iterable[Revoked]) -> None:
        now = self._wall()
        for entry in entries:
            key = (entry.kind, entry.issuer, entry.value)
            known = self._held.pop(key, None)
            self._held[key] = entry if known is None or known.at < entry.at else known
            self.epoch += 1
        if len(self._held) > MOST:
            self._held = {key: entry for key, entry in self._held.items() if entry.until > now}
        while len(self._held) > MOST:
            del self._held[next(iter(self._held))]


def _number(text: bytes | None) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) <= _MAX_DIGITS else 0


def _entry(text: bytes) -> Revoked | None:
    """None for what is not of our writing: a store is not to be believed blindly (S125)."""
    try:
        return _decode(text)
    except msgspec.DecodeError:
        _log.error("the state store holds a revocation that cannot be read: %d bytes", len(text))
        return None


def _place(number: int) -> str:
    return key_of("revoked", str(number))
