"""What a frontend team writes for a change: `@action`."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Literal, ParamSpec, TypeVar

from bff.composition.place import place_of
from bff.composition.screen import Named
from bff.naming import camel
from bff.priority import PRIORITIES, Priority

P = ParamSpec("P")
T = TypeVar("T")
Method = Literal["POST", "PUT", "PATCH", "DELETE"]

# A change asks its services one after the other; three seconds is three screens' budgets, and what people wait for a button.
DEFAULT_BUDGET = 3.0

_PARAMETER = re.compile(r"\{([^{}]*)\}")


class Action(Generic[P, T]):
    """A change that an app can ask for: an async function, its path and its rules.

    Calling it runs the function itself, which is how a unit test uses it:
    `await place_order("7", items, caller=Caller(id="7"), once=Once("test"), steps=Steps(), orders=FakeOrders())`.
    """

    def __init__(
        self,
        function: Callable[P, Awaitable[T]],
        path: str,
        *,
        apps: Iterable[Named],
        method: Method,
        name: str | None,
        scopes: Iterable[str],
        budget: float,
        idempotent: bool,
        priority: Priority,
        guests: bool,
        status: int,
    ) -> None:
        if priority not in PRIORITIES:
            raise ValueError(f"action({path!r}): priority={priority!r} is none; give one of {', '.join(PRIORITIES)}")
        self.function = function
        self.path = path
        self.apps = tuple(apps)
        self.method: Method = method
        self.name = name or camel(getattr(function, "__name__", "action"))
        self.scopes = frozenset(scopes)
        self.budget = budget
        self.idempotent = idempotent
        self.priority: Priority = priority
        self.guests = guests
        self.status = status
        self.parameters: tuple[str, ...] = tuple(_PARAMETER.findall(path))
        self.place = place_of(function)
        self.__doc__ = function.__doc__

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.function(*args, **kwargs)


def action(
    path: str,
    *,
    apps: Iterable[Named],
    method: Method = "POST",
    name: str | None = None,
    scopes: Iterable[str] = (),
    budget: float = DEFAULT_BUDGET,
    idempotent: bool = False,
    priority: Priority = "normal",
    guests: bool = False,
    status: int = 200,
) -> Callable[[Callable[P, Awaitable[T]]], Action[P, T]]:
    """Make an async function an action: a path and a GraphQL mutation from one text.

    Its parameters: a `Client`, `Caller`, `Deadline`, `Once` or `Steps` by type; those named in the path; all others are
    members of the JSON body, validated before anything is called. It returns a View. `budget` is the seconds that it may
    take (undoing comes on top); `idempotent=True` requires an `Idempotency-Key` of the client, and a request that is sent
    again with the same key gets the first one's answer. `name` (default: the function's, in camelCase) is the mutation's
    and the one for rate limits. `status` is that of a success. To say no, raise `Refused`.
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Action[P, T]:
        return Action(
            function,
            path,
            apps=apps,
            method=method,
            name=name,
            scopes=scopes,
            budget=budget,
            idempotent=idempotent,
            priority=priority,
            guests=guests,
            status=status,
        )

    return decorate
