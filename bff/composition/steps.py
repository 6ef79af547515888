"""`Steps`: what an action has done so far, and how to undo it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bff.deadline import Deadline, current_deadline, set_deadline
from bff.errors import BackendError, BackendStatus, Forbidden, Hopeless, Refused
from bff.upstream.call import SAFE_METHODS
from bff.upstream.scope import RequestScope

T = TypeVar("T")
# Given what the step gave, or None when nobody knows whether it was done.
Undo = Callable[[T | None], Awaitable[object]]

# Seconds. A write takes 5 to 20 ms inside a region: what is begun with less is not answered in time, and then nobody knows
# whether it was done.
LEAST = 0.01

_SERVER_ERROR = 500
_UNAVAILABLE = 503
# Not Implemented and HTTP Version Not Supported (RFC 9110 sections 15.6.2, 15.6.6) speak of the request, as a 4xx does.
_ABOUT_THE_REQUEST = frozenset({501, 505})


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A step that was done, or (then `value` is None) that may have been."""

    name: str
    value: T | None
    undo: Undo[T]


class Steps:
    """The steps of one run of an action, in their order. `Steps()` is all that a test needs."""

    __slots__ = ("_scope", "failed", "planned", "to_undo")

    def __init__(self, scope: RequestScope | None = None) -> None:
        self.to_undo: list[Done[Any]] = []  # Any: steps of all types stand side by side
        self.planned: dict[str, Undo[Any]] = {}  # how steps are undone, those too that this run never came to
        self.failed: str | None = None  # the step that ended the action
        self._scope = scope or RequestScope()  # the records of its calls tell whether anything was sent

    @property
    def done(self) -> tuple[str, ...]:
        """The names of the steps that would be undone now, in the order in which they were done."""
        return tuple(step.name for step in self.to_undo)

    def plan(self, name: str, undo: Undo[Any]) -> None:
        """Say, before the first write, how a step is undone by its key; `do` then needs no `undo` of its own.

        A planned step is undone whenever anything is, though this run never came to it. An earlier run of the same keys,
        of which nothing is known any more (its process or the store has died), may have done it, and the keys are new
        ones once anything was undone: nobody would find it then. So its `undo` must bear that there is nothing.
        """
        self.planned[name] = undo

    async def do(self, name: str, call: Awaitable[T], *, undo: Undo[T] | None = None) -> T:
        """Await `call`, one step of the action, and give what it gives.

        When the action fails later, `undo` is called with that value. When the step itself fails and may have been done
        all the same (no answer in time, a connection that broke, a 5xx), `undo` is called with None: it must bear that
        there is nothing to undo. A step that certainly was not done (refused with a 4xx, never sent) is not undone. Let
        its error pass: the gateway undoes and tells. `undo=None` is for reads, and for a step after which nothing fails.
        Raises Hopeless, and does not begin, when less than LEAST is left of the action's time.
        """
        scope, undo = self._scope, undo or self.planned.get(name)
        outer, before = current_deadline(), len(scope.records)
        if outer is not None:
            if isinstance(call, Coroutine) and outer.left() < LEAST:  # (what is no coroutine has begun already)
                call.close()
                self.failed = name
                raise Hopeless("", f"{outer.left():.3f} s left for '{name}'")
            set_deadline(Deadline(outer.at, outer.now, name))  # its calls are told apart in traces by the step's name
        try:
            value = await call
        except BaseException as error:
            self.failed = name
            if undo is not None and self._may_be_done(name, error, before):
                self.to_undo.append(Done(name, None, undo))
            raise
        finally:
            set_deadline(outer)
            scope.reads.clear()  # what was read before a change need not be so after it
            scope.loaders.clear()
        if undo is not None:
            self.to_undo.append(Done(name, value, undo))
        return value

    def _may_be_done(self, name: str, error: BaseException, before: int) -> bool:
        if isinstance(error, BackendError | asyncio.CancelledError | Refused):  # which is what composers make of a 4xx
            made = self._scope.records[before:]
            sent = [
                (record.section, attempt)
                for record in made
                if record.method not in SAFE_METHODS
                for attempt in record.attempts
                if attempt.sent
            ]
            if made and not sent:
                return False  # whatever was asked, no change was
            own = [attempt for of, attempt in sent if of in (name, "")]  # not of a step that runs beside this one
            if len(own) > 1:
                return True  # the error is the last one's; the one before it may have come through
        return not _certain(error)


def _certain(error: BaseException) -> bool:
    """Whether what failed with this was not done, beyond doubt."""
    match error:
        case Refused() | Forbidden():
            return True
        case BackendStatus():
            told_to_wait = error.status == _UNAVAILABLE and error.retry_after is not None  # a proxy's 503 has no Retry-After
            return error.status < _SERVER_ERROR or error.status in _ABOUT_THE_REQUEST or told_to_wait
        case BackendError():
            return not error.sent
        case _:
            return False
