"""`@field(ProductCard)`: one attribute of every item of a type, filled from another backend, only when asked."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ParamSpec

from bff.composition.place import place_of

P = ParamSpec("P")


class Field:
    """Fills the attribute `name` of every `item` on a screen by one call of its function for all of them."""

    def __init__(
        self,
        item: type,
        function: Callable[..., Awaitable[Sequence[Any]]],  # Any: checked against the attribute's type at start
        name: str | None,
        timeout: float | None,
        scopes: frozenset[str],
    ) -> None:
        self.item = item
        self.function = function
        self.name: str = name or str(getattr(function, "__name__", "field"))
        self.place = place_of(function)
        self.timeout = timeout
        self.scopes = scopes
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Sequence[Any]]:  # Any: a direct call in a unit test
        return self.function(*args, **kwargs)


def field(
    item: type, *, name: str | None = None, timeout: float | None = None, scopes: Iterable[str] = ()
) -> Callable[[Callable[P, Awaitable[Sequence[object]]]], Field]:
    """Make an async function fill the attribute of its own name (or of `name`) on every `item`.

    The function's first parameter gets the list of items; it returns their values in the same order, None where there
    is none. The attribute is declared in schemas/ with default None. When the function fails, the attribute stays None
    and the outcome is named `section.attribute`; the section itself is unharmed. `timeout` is in seconds.
    """

    def decorate(function: Callable[P, Awaitable[Sequence[object]]]) -> Field:
        return Field(item, function, name, timeout, frozenset(scopes))

    return decorate
