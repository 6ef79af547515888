"""Runs an action: its function under the deadline and, when it fails, its steps undone in reverse. Never sees HTTP.

It is to run in a task of its own, which neither the client's going nor the answer's deadline ends in the middle of a write.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bff.caller import Caller
from bff.composition.action_plan import PlannedAction
from bff.composition.engine import ClientOf
from bff.composition.once import Once
from bff.composition.steps import Done, Steps
from bff.deadline import LOOP_CLOCK, Clock, Deadline, Timer, set_deadline, sleep
from bff.errors import BackendError, BackendStatus, BackendTimeout, BackendUnreachable, BffError, Missing
from bff.upstream.scope import RequestScope

T = TypeVar("T")
MayUndo = Callable[[], Awaitable[bool]]
_log = logging.getLogger("bff")

# Calls end by their own deadline, and say which service was late; what obeys none is cut this much later.
CUT_SLACK = 0.05
# A cut that was swallowed is asked for again (Python 3.11's wait_for can swallow one).
CUT_AGAIN = 0.1

# Seconds for one try to undo a step: twice what a service may take by default, since nobody waits for a screen here.
UNDO_TIMEOUT = 2.0
# Before each try: a restart of one copy is over, or another copy found, within the half second that they add up to.
UNDO_PAUSES = (0.0, 0.1, 0.4)
# For all steps together, so that an answer comes before clients and proxies give up (60 s is the usual end).
UNDO_MOST = 30.0

_TOO_MANY, _SERVER_ERROR = 429, 500


class LostClaim(BffError):
    """A run failed that took so long that another one has its key, and may have finished it: nothing was undone."""


class ActionFailed(BffError):
    """An action failed at `step` ("" when outside of any), and all that it had done was undone: `undone` names those steps."""

    def __init__(self, step: str, cause: BaseException, undone: tuple[str, ...]) -> None:
        self.step, self.cause, self.undone = step, cause, undone
        super().__init__(f"{step}: {cause}" if step else str(cause))


@dataclass(frozen=True, slots=True)
class Performed:
    """How a run ended: with a value, or with `error`; which steps were undone then, and which are left as they are."""

    value: Any  # Any: of the action's own type
    error: BaseException | None = None
    step: str = ""
    undone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    anew: bool = False  # its steps' keys were given up: the next run needs new ones


async def perform(
    planned: PlannedAction,
    *,
    inputs: dict[str, object],
    caller: Caller,
    once: Once,
    deadline: Deadline,
    client_of: ClientOf,
    scope: RequestScope,
    clock: Clock = LOOP_CLOCK,
    may_undo: MayUndo | None = None,
    request_id: str = "",
) -> Performed:
    """Run it to its end, and undo what is to be undone. Raises nothing but this task's own cancellation.

    A run that is cancelled (the process stops) leaves its steps as they are, and logs them. `may_undo` is asked before
    anything is undone: false when another run has taken this one's place, and builds on what it did.
    """
    steps = Steps(scope)
    given = _given(planned, inputs, caller, once, steps, deadline, client_of)
    set_deadline(deadline)
    try:
        value = await _within(lambda: planned.action.function(**given), deadline.at + CUT_SLACK, clock)
        if not isinstance(value, planned.type):
            raise TypeError(f"{planned.action.place}: gave {type(value).__name__}, not {planned.type.__name__}")
    except asyncio.CancelledError:
        _stopped("was stopped; left as they are", planned, request_id, steps)
        raise
    except Exception as error:  # noqa: BLE001 - handed on, a bug too: what was done is undone whatever failed
        try:
            return await _failed(_cause(error), steps, clock, may_undo)
        except asyncio.CancelledError:
            _stopped("was stopped while it was undone; perhaps left", planned, request_id, steps)
            raise
    return Performed(value)


def _stopped(how: str, planned: PlannedAction, request_id: str, steps: Steps) -> None:
    left = ", ".join(steps.done) or "nothing"
    _log.error("action %s, request %s, %s: %s", planned.action.name, request_id, how, left)


async def _failed(error: BaseException, steps: Steps, clock: Clock, may_undo: MayUndo | None) -> Performed:
    failed = steps.failed or ""
    # A planned step that was refused with what the action makes nothing of: an earlier run's undoing has given its key up.
    given_up = failed in steps.planned and isinstance(error, BackendStatus) and _understood(error)
    anew = bool(steps.to_undo) or given_up
    if anew and may_undo is not None and not await may_undo():
        return Performed(None, LostClaim(), failed)
    undone, left = await _undo(steps, clock, planned=anew)
    return Performed(None, error, failed, undone, left, anew)


def _understood(error: BackendStatus) -> bool:
    """Whether it was understood and refused: asking the same again changes nothing."""
    return error.status < _SERVER_ERROR and error.status != _TOO_MANY


def _given(
    planned: PlannedAction,
    inputs: dict[str, object],
    caller: Caller,
    once: Once,
    steps: Steps,
    deadline: Deadline,
    client_of: ClientOf,
) -> dict[str, object]:
    given = dict(inputs)
    others: dict[str, object] = {"caller": caller, "deadline": deadline, "once": once, "steps": steps}
    for parameter in planned.takes:
        if parameter.kind == "client":
            given[parameter.name] = client_of(parameter.annotation)
        elif parameter.kind in others:
            given[parameter.name] = others[parameter.kind]
    return given


def _cause(error: Exception) -> BaseException:
    """Of a group (an action that gathers its calls) the bug in it, else its first failure."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = [_cause(one) for one in error.exceptions]
    return next((cause for cause in causes if not isinstance(cause, BffError | TimeoutError)), causes[0])


async def _undo(steps: Steps, clock: Clock, *, planned: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Undo the steps, the last one first; those that were undone, and those that were not.

    With `planned` also those that this run never came to: of them only what could not be made sure of is told.
    """
    until = clock.now() + UNDO_MOST
    undone: list[str] = []
    left: list[str] = []
    steps_to_undo = list(steps.to_undo)
    if planned:
        steps_to_undo += [Done(name, None, undo) for name, undo in steps.planned.items() if name not in steps.done]
    for step in reversed(steps_to_undo):
        if not await _undone(step, until, clock):
            left.append(step.name)
        elif step.name in steps.done:
            undone.append(step.name)
    return tuple(undone), tuple(reversed(left))


async def _undone(step: Done[Any], until: float, clock: Clock) -> bool:  # Any: steps of all types
    for pause in UNDO_PAUSES:
        if pause:
            await sleep(pause, clock)
        at = min(clock.now() + UNDO_TIMEOUT, until)
        if at <= clock.now():
            return False
        set_deadline(Deadline(at, clock.now, f"{step.name} (undo)"))
        try:
            await _within(lambda: step.undo(step.value), at + CUT_SLACK, clock)
        except Missing:
            return True  # what is to be undone is not there
        except (BackendError, TimeoutError) as error:
            if isinstance(error, BackendStatus) and _understood(error):
                return False
        except Exception:  # noqa: BLE001 - a bug in one undo must not keep the others from being done
            _log.exception("a bug in undoing '%s'", step.name)
            return False
        else:
            return True
    return False


async def _within(work: Callable[[], Awaitable[T]], at: float, clock: Clock) -> T:
    """What `work` gives; BackendTimeout when it has not ended by the moment `at`."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an action runs inside a task")
    cut = _Cut(task, clock)
    cut.at(at)
    try:
        return await work()
    except asyncio.CancelledError:
        cut.stop()
        if task.cancelling():
            raise
        if cut.rung:
            raise BackendTimeout("", "its time was up") from None
        raise BackendUnreachable("", "a library cancelled the call") from None
    finally:
        cut.stop()


class _Cut:
    """Cancels a task at a moment, and again while it has not ended."""

    __slots__ = ("_clock", "_task", "_timer", "rung")

    def __init__(self, task: "asyncio.Task[Any]", clock: Clock) -> None:
        self._task = task
        self._clock = clock
        self._timer: Timer | None = None
        self.rung = 0  # cancellations that are ours

    def at(self, moment: float) -> None:
        self._timer = self._clock.call_at(moment, self._ring)

    def _ring(self) -> None:
        self.rung += 1
        self._task.cancel()
        self.at(self._clock.now() + CUT_AGAIN)

    def stop(self) -> None:
        """Ring no more, and take our own cancellations back: what follows in this task is not to be cut."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            for _ in range(self.rung):
                self._task.uncancel()
