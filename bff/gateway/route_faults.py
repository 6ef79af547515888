"""Plain routes that nobody would ever reach: told at start, not found out by a 400 or by another endpoint's answer."""

from collections.abc import Iterable, Iterator, Mapping

from bff.gateway.guard import AMBIGUOUS
from bff.gateway.request import Endpoint
from bff.settings import RouteSettings


def route_faults(routes: Mapping[str, RouteSettings], others: Iterable[Endpoint]) -> Iterator[str]:
    """What is wrong with the routes of bff.toml beside the `others`: screens, actions, GraphQL and our own pages.

    A route on a path that only fits another's template is no fault: it wins there, as any fixed path does.
    """
    taken = {(other.template, method): other.name for other in others for method in other.methods}
    for name, route in routes.items():
        if AMBIGUOUS.search(route.path.encode()):
            yield (
                f"routes.{name}.path: '{route.path}' could be read in two ways, so every request for it would be refused; "
                "write it without empty or dot segments, `;`, `\\` and encoded slashes"
            )
        for method in route.methods:
            other = taken.get((route.path, method))
            if other is not None:
                yield f"routes.{name}: {method} {route.path} is {other}'s already, which would answer in its place; change one"
