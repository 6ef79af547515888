"""`@batched`: many single look-ups in one tick become one call, on aiodataloader.

aiodataloader awaits its futures bare, so one cancelled waiter would poison its siblings, and a cancelled batch would
leave its waiters hanging. Here every waiter waits behind a shield, the batch has a task and a deadline of its own, and
it is cancelled exactly when nobody waits for it any more; a key that nobody waits for by then is not asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Concatenate, Generic, cast, overload

from aiodataloader import DataLoader
from typing_extensions import ParamSpec, TypeVar

from bff.deadline import Deadline, current_deadline, set_deadline
from bff.errors import BackendTimeout, BackendUnreachable, Missing
from bff.upstream.call import PLAIN, CallPolicy
from bff.upstream.scope import RequestScope

# 100 keys keep a query string under 4 KB, which every server and proxy takes.
DEFAULT_MAX_SIZE = 100

# A timer may fire this much (seconds) before its moment: loops round to milliseconds.
_TIMER_SLACK = 0.005

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
P = ParamSpec("P", default=[])
Q = ParamSpec("Q")  # P where a default would come before V, which has none


class Owner:
    """What a batched method needs of the client that it is a method of."""

    service: ClassVar[str] = ""
    scope: RequestScope
    policy: CallPolicy = PLAIN


class Batched(Generic[K, V, P]):
    """A client method that takes a list of keys and gives a dictionary; callers write `await client.method(key)`.

    A key that the dictionary lacks raises Missing for its own waiter only. Further arguments are part of the batch's
    identity: calls that differ in them are not mixed.
    """

    def __init__(self, function: Callable[..., Awaitable[dict[K, V]]], max_size: int) -> None:
        self.function = function
        self.max_size = max_size
        self.name: str = getattr(function, "__name__", "batched")
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, owner: None, cls: type) -> "Batched[K, V, P]": ...
    @overload
    def __get__(self, owner: Owner, cls: type) -> "BoundBatch[K, V, P]": ...
    def __get__(self, owner: Owner | None, cls: type) -> "Batched[K, V, P] | BoundBatch[K, V, P]":
        return self if owner is None else BoundBatch(self, owner)


class BoundBatch(Generic[K, V, P]):
    """A batched method of one client in one request."""

    __slots__ = ("_batched", "_owner")

    def __init__(self, batched: Batched[K, V, P], owner: Owner) -> None:
        self._batched = batched
        self._owner = owner

    async def __call__(self, key: K, *args: P.args, **kwargs: P.kwargs) -> V:
        """The value of one key; raises Missing when the backend does not know it."""
        return await self._loader(args, kwargs).wait(key)

    async def many(self, keys: Iterable[K], *args: P.args, **kwargs: P.kwargs) -> dict[K, V]:
        """The values of all keys that the backend knows, each distinct key asked for once."""
        return await self._loader(args, kwargs).wait_many(list(dict.fromkeys(keys)))

    def _loader(self, args: tuple[Hashable, ...], kwargs: dict[str, Any]) -> "_Loader[K, V]":
        owner = self._owner
        identity = (self._batched, type(owner), owner.policy, args, tuple(sorted(kwargs.items())))
        loaders = self._owner.scope.loaders
        loader = cast("_Loader[K, V] | None", loaders.get(identity))
        if loader is None:
            loader = loaders[identity] = _Loader(self._batched, self._owner, args, kwargs)
        return loader


def batched(
    *, max_size: int = DEFAULT_MAX_SIZE
) -> Callable[[Callable[Concatenate[Any, list[K], Q], Awaitable[dict[K, V]]]], Batched[K, V, Q]]:
    """Make a client's method of many keys callable with one; at most `max_size` keys travel in a call."""

    def decorate(function: Callable[Concatenate[Any, list[K], Q], Awaitable[dict[K, V]]]) -> Batched[K, V, Q]:
        return Batched(function, max_size)

    return decorate


@dataclass(slots=True)
class _Batch(Generic[K]):
    """A batch at work."""

    task: "asyncio.Task[object] | None"
    keys: tuple[K, ...]
    deadline: Deadline | None

    def ended_before(self, deadline: Deadline | None) -> bool:
        """Whether it ran out of its own time while a waiter with this deadline has time left."""
        mine = self.deadline
        if mine is None or mine.left() > _TIMER_SLACK:
            return False
        return deadline is None or (deadline.at > mine.at and deadline.left() > _TIMER_SLACK)


class _Loader(DataLoader[K, V]):
    """aiodataloader's queue and cache, with the cancellation rules above. Lives as long as one request."""

    def __init__(self, batched: Batched[K, V, Any], owner: Owner, args: tuple[Hashable, ...], kwargs: dict[str, Any]) -> None:
        self._function = batched.function
        self._owner = owner
        self._args = args
        self._kwargs = kwargs
        self._waiting: dict[K, list[Deadline | None]] = {}  # who waits for a key, by when they must have it
        self._batches: dict[K, _Batch[K]] = {}
        super().__init__(self._run, max_batch_size=batched.max_size, loop=asyncio.get_running_loop())

    async def wait(self, key: K) -> V:
        deadline = current_deadline()
        while True:
            future = self._enter(key, deadline)
            try:
                return await asyncio.shield(future)
            except BackendTimeout:
                if not self._worth_another(key, future, deadline):
                    raise
            finally:
                self._leave(key, future, deadline)

    async def wait_many(self, keys: list[K]) -> dict[K, V]:
        """The values of these (distinct) keys, those left out that the answer lacks; raises what else went wrong with any."""
        deadline = current_deadline()
        found: dict[K, V] = {}
        while keys:
            futures = {key: self._enter(key, deadline) for key in keys}
            keys = []
            try:
                await asyncio.wait(futures.values())  # which leaves them alone when it is cancelled
                errors = {key: future.exception() for key, future in futures.items()}  # all read, or asyncio complains
                for key, future in futures.items():
                    error = errors[key]
                    if error is None:
                        found[key] = future.result()
                    elif isinstance(error, BackendTimeout) and self._worth_another(key, future, deadline):
                        keys.append(key)
                    elif not (isinstance(error, Missing) and self._answered(key, future)):
                        raise error
            finally:
                for key, future in futures.items():
                    self._leave(key, future, deadline)
        return found

    def _enter(self, key: K, deadline: Deadline | None) -> "asyncio.Future[V]":
        future = self.load(key)
        self._waiting.setdefault(key, []).append(deadline)
        return future

    def _leave(self, key: K, future: "asyncio.Future[V]", deadline: Deadline | None) -> None:
        """Take one waiter off the key; cancel its batch when nobody waits for any key of that."""
        waiting = self._waiting[key]
        waiting.remove(deadline)
        if waiting:
            return
        if future.done():
            _look(future)  # its error may have come in the turn its waiters were cut
            return
        future.add_done_callback(_look)
        batch = self._batches.get(key)
        if batch is None or batch.task is None or batch.task.done():
            return
        if not any(self._waiting[other] for other in batch.keys):
            for other in batch.keys:
                self.clear(other)  # a later load must not find the future of a cancelled batch
            batch.task.cancel()

    def _worth_another(self, key: K, future: "asyncio.Future[V]", deadline: Deadline | None) -> bool:
        """Whether a timeout was only that of the batch, joined at work, and not that of the waiter: then it asks again."""
        batch = self._batches.get(key)
        return not self._answered(key, future) and batch is not None and batch.ended_before(deadline)

    def _answered(self, key: K, future: "asyncio.Future[V]") -> bool:
        """Whether this is the backend's word on this one key: a batch that failed as a whole keeps nothing."""
        return self._cache.get(key) is future

    async def _run(self, keys: list[K]) -> list[V]:
        asked = list(dict.fromkeys(key for key in keys if self._waiting[key]))
        for key in keys:
            if not self._waiting[key]:
                self.clear(key)  # its waiters left before the call: a later one starts anew
        absent = Missing(self._owner.service, "not in the batch's answer")
        found = await self._ask(asked) if asked else {}
        # aiodataloader rejects the future of a key whose value is an exception
        return [found[key] if key in found else cast("V", absent) for key in keys]

    async def _ask(self, keys: list[K]) -> dict[K, V]:
        task = asyncio.current_task()
        deadline = _latest(deadline for key in keys for deadline in self._waiting[key])
        self._batches.update(dict.fromkeys(keys, _Batch(task, tuple(keys), deadline)))
        set_deadline(deadline)  # this is the batch's own task
        try:
            return await self._function(self._owner, keys, *self._args, **self._kwargs)
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            # a library's own, grpc.aio's for one: aiodataloader would leave the waiters waiting
            raise BackendUnreachable(self._owner.service, "a library cancelled the call") from None


def _look(future: "asyncio.Future[Any]") -> None:
    """So that asyncio does not report an error whose waiters have all gone."""
    if not future.cancelled():
        future.exception()


def _latest(deadlines: Iterable[Deadline | None]) -> Deadline | None:
    """The last of them; None, which is later than any, when one of the waiters has none."""
    latest: Deadline | None = None
    for deadline in deadlines:
        if deadline is None:
            return None
        if latest is None or deadline.at > latest.at:
            latest = deadline
    return latest
