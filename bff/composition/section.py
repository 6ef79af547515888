"""What a frontend team writes: `@section` functions, joined by `needs`."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from bff.composition.place import place_of

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[P, Awaitable[T]]
Factory = Callable[[], T]


class _Nothing:
    """Stands for "no fallback was given"; None is a fallback of its own."""


_NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Need:
    """What `needs` leaves behind: an edge of the plan."""

    section: "Section[..., Any]"  # the value's type was proved where `needs` was written


class Section(Generic[P, T]):
    """A part of a screen: an async function, its timeout and what stands in for it.

    Calling it runs the function itself, which is how a unit test uses it:
    `await picks(FakeCatalog(), tier=Tier.GOLD)`.
    """

    def __init__(
        self,
        function: Function[P, T],
        *,
        timeout: float | None,
        constant: Factory[T] | _Nothing | None,
        scopes: frozenset[str],
    ) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", "section")
        self.place = place_of(function)
        self.timeout = timeout
        self.scopes = scopes
        self.computed: Callable[..., Awaitable[T]] | None = None
        self._constant = constant
        self.__doc__ = function.__doc__

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        defaults = getattr(self.function, "__defaults__", None) or ()
        code = getattr(self.function, "__code__", None)
        if code is not None and defaults:
            self._refuse_forgotten_needs(code.co_varnames[: code.co_argcount], defaults, len(args), kwargs)
        return await self.function(*args, **kwargs)

    def _refuse_forgotten_needs(
        self, names: tuple[str, ...], defaults: tuple[object, ...], given: int, named: Iterable[str]
    ) -> None:
        for offset, default in enumerate(reversed(defaults), start=1):
            index = len(names) - offset
            if isinstance(default, Need) and index >= given and names[index] not in named:
                raise TypeError(
                    f"section '{self.name}' was called without '{names[index]}', which it needs: in a plan the engine "
                    f"gives it, in a direct call pass {names[index]}=..."
                )

    def fallback(self, function: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Name the function that computes what is shown when this section fails; it has 150 ms, or what is left."""
        self.computed = function
        return function

    @property
    def nullable(self) -> bool:
        """Whether `fallback=None` was given: the field it fills must allow None."""
        return self._constant is None

    @property
    def has_constant(self) -> bool:
        return not isinstance(self._constant, _Nothing)

    @property
    def optional(self) -> bool:
        """Whether the screen can live without it; a section with no fallback of either kind is required."""
        return self.computed is not None or self.has_constant

    def constant(self) -> T | None:
        """A fresh constant fallback value."""
        if self._constant is None or isinstance(self._constant, _Nothing):
            return None
        return self._constant()


@overload
def section(*, timeout: float | None = None, scopes: Iterable[str] = ()) -> Callable[[Function[P, T]], Section[P, T]]: ...
@overload
def section(
    *, fallback: None, timeout: float | None = None, scopes: Iterable[str] = ()
) -> Callable[[Function[P, T]], Section[P, T | None]]: ...
@overload
def section(
    *, fallback: Factory[T], timeout: float | None = None, scopes: Iterable[str] = ()
) -> Callable[[Function[P, T]], Section[P, T]]: ...
def section(
    *,
    fallback: Factory[Any] | _Nothing | None = _NOTHING,  # Any: the overloads above say what is accepted
    timeout: float | None = None,
    scopes: Iterable[str] = (),
) -> Callable[[Function[P, Any]], Section[P, Any]]:
    """Make an async function a section.

    `timeout` is in seconds (default: what is left of the screen's budget). `fallback` is None (the section's type
    becomes optional) or a typed factory such as `list[OrderLine]`; without one, and without `@x.fallback`, the section
    is required: when it fails, the screen fails. `scopes` are those the caller must hold, else it is `forbidden`.
    """

    def decorate(function: Function[P, Any]) -> Section[P, Any]:
        return Section(function, timeout=timeout, constant=fallback, scopes=frozenset(scopes))

    return decorate


def needs(section: Section[..., T]) -> T:
    """The value of another section, as a default argument or in a screen's template.

    What it returns is a marker; type checkers see the section's value, so a wrong edge is an error where it is written.
    """
    return cast(T, Need(section))
