"""Paths that are no more: a client that was never updated is told so, and by what to go on (RFC 9110 section 15.5.11)."""

from collections.abc import Iterable, Iterator, Mapping

from bff.apps import App
from bff.faces.problems import Problem
from bff.gateway.request import Endpoint


class Retired:
    """`paths` and all below them are gone; each with what to use in its place, or "" when there is nothing."""

    def __init__(self, paths: Mapping[str, str] | None = None) -> None:
        self._paths = paths or {}

    @classmethod
    def of(cls, settings: Mapping[str, str], apps: Iterable[App]) -> "Retired":
        """Those of bff.toml and the retired versions of all apps."""
        paths = dict(settings)
        for app in apps:
            paths |= app.retired_paths()
        return cls(paths)

    def refuse(self, path: str) -> None:
        """Raise the 410 problem if `path`, at which there is nothing, once was something."""
        for gone, successor in self._paths.items():
            if path == gone or path.startswith(gone + "/"):
                raise Problem("gone", f"{gone} is no more; use {successor}" if successor else f"{gone} is no more")


def retired_faults(retired: Mapping[str, str], endpoints: Iterable[Endpoint]) -> Iterator[str]:
    """Paths said to be gone behind which something still answers: one of the two is a mistake."""
    for endpoint in endpoints:
        for gone in retired:
            if endpoint.template == gone or endpoint.template.startswith(gone + "/"):
                yield f"retired.'{gone}': {endpoint.name} still answers at {endpoint.template}; take one of the two out"
