"""From a path to the endpoint behind it: a pure look-up, so that the later stages know whose rules hold."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from bff.faces.problems import Problem
from bff.gateway.request import Endpoint, Request
from bff.gateway.retired import Retired
from bff.naming import camel

# TRACE echoes a request's secrets, CONNECT asks for a tunnel, and of an unknown method nobody knows whether it is safe: no
# endpoint has them, whatever the path (S087).
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# What a request of a method that we do not know is followed by, we do not know either.
_CLOSE: Final = (b"connection", b"close")

_Template = tuple[tuple[str, ...], Endpoint]


class Routes:
    """All endpoints by path. A fixed path wins over one with parameters; paths are compared as they were sent."""

    def __init__(self, endpoints: Iterable[Endpoint], retired: Retired | None = None) -> None:
        self._retired = retired or Retired()
        self._fixed: dict[str, list[Endpoint]] = {}
        self._templates: dict[int, list[_Template]] = {}  # by number of segments
        for endpoint in endpoints:
            if "{" in endpoint.template:
                parts = tuple(endpoint.template.split("/"))
                self._templates.setdefault(len(parts), []).append((parts, endpoint))
            else:
                self._fixed.setdefault(endpoint.template, []).append(endpoint)

    def at(self, request: Request) -> list[Endpoint]:
        """Those behind its path, whatever their methods."""
        path = _path(request)
        return self._fixed.get(path) or [endpoint for _, endpoint in self._by_template(path)]

    def match(self, request: Request) -> None:
        """Set the request's endpoint and path parameters; raises 404, 405 and 410 problems."""
        path = _path(request)
        fixed = self._fixed.get(path)
        if fixed is None:
            self._match_template(request, path)
            return
        for endpoint in fixed:
            if request.method in endpoint.methods:
                request.endpoint = endpoint
                return
        raise _method_not_allowed(request, fixed)

    def _match_template(self, request: Request, path: str) -> None:
        here = self._by_template(path)
        if not here:
            if request.method not in METHODS:
                raise Problem("method-not-allowed", "nothing here has such a method", headers=[_allow(METHODS), _CLOSE])
            self._retired.refuse(path)
            raise Problem("not-found", "no screen or route has this path")
        for names, endpoint in here:
            if request.method in endpoint.methods:
                request.endpoint, request.path = endpoint, _values(names, path)
                return
        raise _method_not_allowed(request, [endpoint for _, endpoint in here])

    def _by_template(self, path: str) -> list[_Template]:
        """All that fit: a read and a write of one path are two endpoints."""
        parts = path.split("/")
        return [
            (names, endpoint)
            for names, endpoint in self._templates.get(len(parts), ())
            if all(name == part or name.startswith("{") for name, part in zip(names, parts, strict=True))
        ]


def _path(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _method_not_allowed(request: Request, here: list[Endpoint]) -> Problem:
    request.endpoint = here[0]
    allowed = dict.fromkeys(method for endpoint in here for method in endpoint.methods)
    headers = [_allow(allowed)] if request.method in METHODS else [_allow(allowed), _CLOSE]
    return Problem("method-not-allowed", f"allowed: {', '.join(allowed)}", headers=headers)


def _allow(methods: Iterable[str]) -> tuple[bytes, bytes]:
    return b"allow", ", ".join(methods).encode()


def _values(names: tuple[str, ...], path: str) -> dict[str, str]:
    """Path values, percent-decoded once and strictly."""
    given = {camel(name[1:-1]): part for name, part in zip(names, path.split("/"), strict=True) if name.startswith("{")}
    try:
        decoded = {name: unquote(value, errors="strict") for name, value in given.items()}
    except UnicodeDecodeError:
        raise Problem("bad-request", "the path is not UTF-8") from None
    if "" in decoded.values():
        raise Problem("not-found", "no screen or route has this path")
    return decoded
