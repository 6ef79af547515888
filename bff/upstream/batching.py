"""`@batched`: many single look-ups in one tick become one call, on aiodataloader.

aiodataloader awaits its futures bare, so one cancelled waiter would poison its siblings, and a cancelled batch would
leave its waiters hanging. Here every waiter waits behind a shield, the batch has a task and a deadline of its own, and
it is cancelled exactly when nobody waits for it any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, ClassVar, Concatenate, Generic, cast, overload

from aiodataloader import DataLoader
from typing_extensions import ParamSpec, TypeVar

from bff.deadline import Deadline, current_deadline, set_deadline
from bff.errors import Missing
from bff.upstream.scope import RequestScope

# 100 keys keep a query string under 4 KB, which every server and proxy takes.
DEFAULT_MAX_SIZE = 100

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
P = ParamSpec("P", default=[])
Q = ParamSpec("Q")  # P where a default would come before V, which has none


class Owner:
    """What a batched method needs of the client that it is a method of."""

    service: ClassVar[str] = ""
    scope: RequestScope


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
        loader = self._loader(args, kwargs)
        distinct = list(dict.fromkeys(keys))
        values = await loader.wait_many(distinct)
        return {key: value for key, value in zip(distinct, values, strict=True) if not isinstance(value, Missing)}

    def _loader(self, args: tuple[Hashable, ...], kwargs: dict[str, Any]) -> "_Loader[K, V]":
        identity = (self._batched, type(self._owner), args, tuple(sorted(kwargs.items())))
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


class _Loader(DataLoader[K, V]):
    """aiodataloader's queue and cache, with the cancellation rules above. Lives as long as one request."""

    def __init__(self, batched: Batched[K, V, Any], owner: Owner, args: tuple[Hashable, ...], kwargs: dict[str, Any]) -> None:
        self._function = batched.function
        self._owner = owner
        self._args = args
        self._kwargs = kwargs
        self._deadline: Deadline | None = None
        self._waiting: dict[K, int] = {}
        self._batches: dict[K, asyncio.Task[object]] = {}
        super().__init__(self._run, max_batch_size=batched.max_size, loop=asyncio.get_running_loop())

    async def wait(self, key: K) -> V:
        return (await self._shielded((key,)))[0]

    async def wait_many(self, keys: list[K]) -> list[V | Missing]:
        return cast("list[V | Missing]", await self._shielded(keys, missing_as_value=True))

    async def _shielded(self, keys: Iterable[K], *, missing_as_value: bool = False) -> list[V]:
        keys = list(keys)
        self._extend(current_deadline())
        futures = [self.load(key) for key in keys]
        for key in keys:
            self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            if len(futures) == 1 and not missing_as_value:
                return [await asyncio.shield(futures[0])]
            results = await asyncio.shield(asyncio.gather(*futures, return_exceptions=True))
        finally:
            self._leave(keys)
        for result in results:
            if isinstance(result, BaseException) and not (missing_as_value and isinstance(result, Missing)):
                raise result
        return cast("list[V]", results)

    def _extend(self, deadline: Deadline | None) -> None:
        if deadline is not None and (self._deadline is None or deadline.at > self._deadline.at):
            self._deadline = deadline

    def _leave(self, keys: list[K]) -> None:
        """Take one waiter off each key; cancel the batches that nobody waits for any more."""
        for key in keys:
            self._waiting[key] -= 1
        for batch in {self._batches[key] for key in keys if key in self._batches}:
            mine = [key for key, task in self._batches.items() if task is batch]
            if not batch.done() and not any(self._waiting[key] for key in mine):
                for key in mine:
                    self.clear(key)  # a later load must not find the future of a cancelled batch
                    del self._batches[key]
                batch.cancel()

    async def _run(self, keys: list[K]) -> list[V]:
        set_deadline(self._deadline)  # this is the batch's own task: the deadline of its longest waiter
        task = asyncio.current_task()
        if task is not None:
            self._batches.update(dict.fromkeys(keys, task))
        found = await self._function(self._owner, keys, *self._args, **self._kwargs)
        absent = Missing(self._owner.service, "not in the batch's answer")
        # aiodataloader rejects the future of a key whose value is an exception
        return [found[key] if key in found else cast("V", absent) for key in keys]
