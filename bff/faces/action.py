"""One run of an action for REST and GraphQL alike: claimed by its key, run in a task of its own, kept for who sends it again.

The faces differ in how they read the inputs and write the value; whatever must happen once happens here.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Any

import msgspec

from bff.caller import GUEST, Caller
from bff.composition.action_plan import PlannedAction
from bff.composition.action_run import UNDO_MOST, ActionFailed, LostClaim, Performed, perform
from bff.composition.once import Once
from bff.deadline import LOOP_CLOCK, Clock, Deadline, sleep
from bff.errors import BackendError, BffError, Forbidden, Incomplete, Refused
from bff.faces import problems
from bff.faces.action_kept import Outcome, kept_as, read
from bff.faces.problems import Problem
from bff.faces.screen import Clients
from bff.state.idempotency import Claim, Idempotency, Kept, KeyReused, StillRunning
from bff.state.store import StateUnavailable, key_of
from bff.upstream.scope import RequestScope

_log = logging.getLogger("bff")

# An answer that is not kept would be worked for again, so the store is asked more than once: over a failover of Redis's.
_KEEP_PAUSES = (0.0, 0.1, 0.5)
# How long a claim outlives its run's budget: undoing, and the tries to keep what it came to.
_AFTER_BUDGET = UNDO_MOST + 10.0
# Seconds after which who came while the first request still ran is asked to come again, at most: it mostly has ended by then.
_WAIT = 10.0

# What an action's error may be besides a bug.
_EXPECTED = (BackendError, TimeoutError, Forbidden, Refused, Problem, StateUnavailable)


@dataclass(slots=True)
class Ask:
    """One request for an action, its inputs validated. `place` tells several of one request apart: a GraphQL alias."""

    inputs: dict[str, object]
    caller: Caller = GUEST
    scope: RequestScope = field(default_factory=RequestScope)
    budget: float | None = None  # the client's own, in seconds
    key: str | None = None  # its Idempotency-Key
    place: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What an action gave, now or (then it is `replayed`) when it was first asked for."""

    value: Any  # Any: of the action's own type
    replayed: bool = False


class Writes:
    """The runs under way. They outlive their clients, so a process that ends waits for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: its client may have gone

    async def close(self, within: float) -> None:
        """Wait so many seconds for those under way, then stop them; what they leave is logged."""
        tasks = list(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)


class ServedAction:
    """An action of one app, ready to serve. `keys` is where its idempotency keys are kept; None: in no store (tests)."""

    def __init__(
        self,
        planned: PlannedAction,
        clients: Clients,
        keys: Idempotency | None,
        *,
        writes: Writes | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self.planned = planned
        self.action = planned.action
        self.inputs = planned.inputs
        self._clients = clients
        self._keys = keys
        self._writes = Writes() if writes is None else writes
        self._clock = clock

    async def run(self, ask: Ask) -> Ran:
        """The value; raises ActionFailed, Incomplete, a Problem, or whatever bug the action raised.

        Once begun it goes on to its end, whether or not anybody still awaits it.
        """
        if self.action.idempotent and ask.key is None:
            raise no_key()
        task = asyncio.create_task(self._run(ask), name=self.action.name)
        self._writes.start(task)
        return await asyncio.shield(task)

    async def _run(self, ask: Ask) -> Ran:
        claim: Claim | None = None
        if self.action.idempotent and self._keys is not None and ask.key is not None:
            found = await self._claimed(self._keys, ask)
            if isinstance(found, Kept):
                return Ran(read(self.planned.type, found.result), replayed=True)
            claim = found
        ended = await self._perform(ask, claim)
        error = self._error(ended, ask)
        if claim is not None and self._keys is not None:
            await self._settle(self._keys, claim, ended, error)
        if error is not None:
            raise error
        return Ran(ended.value)

    async def _claimed(self, keys: Idempotency, ask: Ask) -> Claim | Kept:
        fingerprint = sha256(msgspec.json.encode(ask.inputs, order="deterministic")).hexdigest()
        try:
            return await keys.begin(key_of("once", *self._who(ask)), fingerprint, self.action.budget + _AFTER_BUDGET)
        except KeyReused as error:
            raise Problem("conflict", f"Idempotency-Key: {error}; choose another one for this one") from None
        except StillRunning as error:
            wait = str(ceil(min(error.left, _WAIT))).encode()
            detail = (
                "Idempotency-Key: the first request with this key is still being worked on; send this one again later."
                f" If the first was cut short, that works in {ceil(error.left)} s at the latest"
            )
            raise Problem("conflict", detail, headers=[(b"retry-after", wait)]) from None

    def _who(self, ask: Ask) -> tuple[str, ...]:
        """Whose key it is: another caller's equal one is another one."""
        caller = ask.caller
        whose = (caller.tenant, caller.id, caller.key)
        told = tuple("-" if part is None else f"={part}" for part in whose)
        return (caller.app, self.action.name, *told, ask.place, ask.key or "")

    async def _perform(self, ask: Ask, claim: Claim | None) -> Performed:
        budget = self.action.budget if ask.budget is None else min(self.action.budget, ask.budget)
        generation = str(claim.generation) if claim else "0"
        ask.scope.changes = True
        ask.scope.reads.clear()  # of the mutation before this one
        ask.scope.loaders.clear()
        return await perform(
            self.planned,
            inputs=ask.inputs,
            caller=ask.caller,
            once=Once() if ask.key is None or not self.action.idempotent else Once.of(*self._who(ask), generation),
            deadline=Deadline(self._clock.now() + budget, self._clock.now, self.action.name),
            client_of=self._clients(ask.scope),
            scope=ask.scope,
            clock=self._clock,
            may_undo=None if claim is None else lambda: self._holds(claim),
            request_id=ask.request_id,
        )

    async def _holds(self, claim: Claim) -> bool:
        try:
            return self._keys is None or await self._keys.holds(claim)
        except StateUnavailable:
            return True  # nobody else gets at it either

    def _error(self, ended: Performed, ask: Ask) -> BaseException | None:
        """What its client is told; what could not be undone is told to the operators too, so that it is not lost."""
        error = ended.error
        if error is None:
            return None
        failed = ended.step or self.action.name
        if isinstance(error, LostClaim):
            return Problem("conflict", "Idempotency-Key: this took too long, and a later request with this key went on with it")
        if ended.left:
            left = ", ".join(ended.left)
            bug = None if isinstance(error, _EXPECTED) else error
            _log.error(
                "action %s is incomplete, request %s: '%s' failed (%s), and these steps were done and could not be undone: %s",
                self.action.name,
                ask.request_id,
                failed,
                error,
                left,
                exc_info=bug,
            )
            return Incomplete(failed, ended.left)
        if isinstance(error, _EXPECTED):
            return ActionFailed(ended.step, error, ended.undone)
        return error

    async def _settle(self, keys: Idempotency, claim: Claim, ended: Performed, error: BaseException | None) -> None:
        """Keep what is final; what changed nothing, or was undone, may be tried again under the same key."""
        final: Outcome | None = Outcome(value=ended.value)
        if error is not None:
            final = Outcome(problem=problems.of(error)) if isinstance(error, BffError) and _is_final(error) else None
        for pause in _KEEP_PAUSES:
            if pause:
                await sleep(pause, self._clock)
            try:
                if final is None:
                    settled = await keys.free(claim, renew=ended.anew)
                else:
                    settled = await keys.keep(claim, kept_as(final))
            except StateUnavailable:
                continue
            if not settled:
                _log.error("action %s ran longer than its key was claimed for", self.action.name)
            return
        _log.error("what action %s came to could not be kept: a repeated request will run it again", self.action.name)


def no_key() -> Problem:
    return Problem(
        "bad-request", "this action needs an Idempotency-Key header: 1 to 255 visible ASCII characters, new for each"
    )


def _is_final(error: BffError) -> bool:
    return isinstance(error, Incomplete) or (isinstance(error, ActionFailed) and isinstance(error.cause, Refused))
