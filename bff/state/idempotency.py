"""What became of a request that carries an `Idempotency-Key`: claimed by one run, kept for those who send it again.

A key is first come, first served: whoever adds it runs, all others are told to wait or get what was kept. The record says
until when its run can last, so that a run whose process died gives the key free again, under the same generation: the
steps' own keys are the same then, and a backend does nothing twice.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

import msgspec

from bff.deadline import LOOP_CLOCK, Clock, sleep
from bff.errors import BffError
from bff.state.store import StateUnavailable, Store

# A day, as payment providers keep theirs: longer than any client's queue of things to send again.
KEPT: Final = 24 * 3600.0
# Clocks of several instances differ by less, where they are set by NTP.
CLOCK_SKEW: Final = 5.0
# Claims that find somebody else's change between look and change; each means that another run has just begun or ended.
_ATTEMPTS: Final = 3
# Seconds before each try to take a claim back whose answer did not come: past a stall, a reconnection, a failover.
_WITHDRAWING: Final = (0.05, 0.2, 1.0, 5.0, 10.0)
# Claims that are being taken back at once; one more ends by itself, at its `until`.
_MAX_WITHDRAWN: Final = 1000


class KeyReused(BffError):
    """The same key came with another request."""


class StillRunning(BffError):
    """The first request of this key has not ended; if it was cut short, its claim is void in `left` seconds."""

    def __init__(self, left: float) -> None:
        self.left = left
        super().__init__(f"the first request with this key has not ended; its claim lasts {left:.0f} s more")


class _Record(msgspec.Struct, frozen=True, array_like=True):
    fingerprint: str
    generation: int  # how often its steps were done and undone again
    run: str  # who claimed it, "" when nobody runs
    until: float  # wall-clock seconds: a claim is void after that
    result: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the first request of this key came to."""

    result: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run; `generation` is part of what the steps' keys are derived from."""

    key: str
    generation: int
    record: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Record).decode


class Idempotency:
    """The keys of all actions, in one store. Its methods raise StateUnavailable when that cannot be reached."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time, clock: Clock = LOOP_CLOCK) -> None:
        self._store = store
        self._now = now
        self._clock = clock
        self._withdrawn: set[asyncio.Task[None]] = set()

    async def begin(self, key: str, fingerprint: str, lasts: float) -> Claim | Kept:
        """Claim the key for a run of at most `lasts` seconds, or get what was kept under it.

        Raises StillRunning while another run has it, and KeyReused when it stands for a request of another `fingerprint`.
        """
        left = 1.0
        for _ in range(_ATTEMPTS):
            mine = _Record(fingerprint, 0, token_hex(8), self._now() + lasts + CLOCK_SKEW)
            record = _encode(mine)
            if await self._claim(key, None, record):
                return Claim(key, 0, record)
            there = await self._store.get(key)
            if there is None:
                continue  # it ended between the two
            seen = _read(there)
            if seen.fingerprint != fingerprint:
                raise KeyReused("this key was used for another request")
            if seen.result is not None:
                return Kept(seen.result)
            left = seen.until - self._now()
            if seen.run and left > 0:
                break
            record = _encode(msgspec.structs.replace(mine, generation=seen.generation))
            if await self._claim(key, there, record):
                return Claim(key, seen.generation, record)
        raise StillRunning(max(left, 1.0))

    async def keep(self, claim: Claim, result: bytes) -> bool:
        """Keep what the run came to; false when the claim was void by then, and another run has the key."""
        mine = _decode(claim.record)
        return await self._end(claim, _encode(msgspec.structs.replace(mine, run="", result=result)))

    async def holds(self, claim: Claim) -> bool:
        """Whether the claim is this run's still: asked before it undoes what another run of the key may have finished since."""
        return await self._store.get(claim.key) in (claim.record, None)  # None: it was lost, and nobody has claimed it since

    async def free(self, claim: Claim, *, renew: bool) -> bool:
        """Let the request run again. `renew`: as something new, since steps of this run were undone."""
        mine = _decode(claim.record)
        generation = mine.generation + 1 if renew else mine.generation
        return await self._end(claim, _encode(msgspec.structs.replace(mine, run="", generation=generation, until=0.0)))

    async def close(self) -> None:
        """Take no claim back any more: what was not is void at its end."""
        for task in self._withdrawn:
            task.cancel()
        await asyncio.gather(*self._withdrawn, return_exceptions=True)

    async def _claim(self, key: str, there: bytes | None, record: bytes) -> bool:
        """Put `record` in the place of what is `there`; whether it was. Without an answer it may be, so it is taken back."""
        try:
            if there is None:
                return await self._store.add(key, record, KEPT)
            return await self._store.swap(key, there, record, KEPT)
        except StateUnavailable:
            if len(self._withdrawn) < _MAX_WITHDRAWN:
                task = asyncio.create_task(self._withdraw(key, record, there))
                self._withdrawn.add(task)
                task.add_done_callback(self._withdrawn.discard)
            raise

    async def _withdraw(self, key: str, record: bytes, before: bytes | None) -> None:
        for pause in _WITHDRAWING:
            await sleep(pause, self._clock)
            try:
                if await self._store.swap(key, record, before, KEPT):
                    return  # otherwise the store has not come to it yet, or never will
            except StateUnavailable:
                continue

    async def _end(self, claim: Claim, record: bytes) -> bool:
        if await self._store.swap(claim.key, claim.record, record, KEPT):
            return True
        return await self._store.get(claim.key) == record  # an earlier try was done, and its answer lost


def _read(record: bytes) -> _Record:
    """Raises StateUnavailable for what is no record of ours: nobody can tell then what became of the request."""
    try:
        return _decode(record)
    except msgspec.DecodeError:
        raise StateUnavailable("the record of an action's key cannot be read") from None
