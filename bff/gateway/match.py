"""From a path to the endpoint behind it: a pure look-up, so that the later stages know whose rules hold."""

from collections.abc import Iterable
from urllib.parse import unquote

from bff.faces.problems import Problem
from bff.gateway.request import Endpoint, Request
from bff.naming import camel

_Template = tuple[tuple[str, ...], Endpoint]


class Routes:
    """All endpoints by path. A fixed path wins over one with parameters; paths are compared as they were sent."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._fixed: dict[str, list[Endpoint]] = {}
        self._templates: dict[int, list[_Template]] = {}  # by number of segments
        for endpoint in endpoints:
            if "{" in endpoint.template:
                parts = tuple(endpoint.template.split("/"))
                self._templates.setdefault(len(parts), []).append((parts, endpoint))
            else:
                self._fixed.setdefault(endpoint.template, []).append(endpoint)

    def match(self, request: Request) -> None:
        """Set the request's endpoint and path parameters; raises 404 and 405 problems."""
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        here = self._fixed.get(path)
        given: dict[str, str] = {}
        if here is None:
            here, given = self._by_template(path)
        if not here:
            raise Problem("not-found", "no screen or route has this path")
        for endpoint in here:
            if request.method in endpoint.methods:
                request.endpoint, request.path = endpoint, given
                return
        request.endpoint = here[0]
        allowed = ", ".join(dict.fromkeys(method for endpoint in here for method in endpoint.methods))
        raise Problem("method-not-allowed", f"allowed: {allowed}", headers=[(b"allow", allowed.encode())])

    def _by_template(self, path: str) -> tuple[list[Endpoint], dict[str, str]]:
        parts = path.split("/")
        for names, endpoint in self._templates.get(len(parts), ()):
            given: dict[str, str] = {}
            for name, part in zip(names, parts, strict=True):
                if name.startswith("{"):
                    given[camel(name[1:-1])] = part
                elif name != part:
                    break
            else:
                return [endpoint], _decoded(given)
        return [], {}


def _decoded(given: dict[str, str]) -> dict[str, str]:
    """Path values, percent-decoded once and strictly."""
    try:
        decoded = {name: unquote(value, errors="strict") for name, value in given.items()}
    except UnicodeDecodeError:
        raise Problem("bad-request", "the path is not UTF-8") from None
    if "" in decoded.values():
        raise Problem("not-found", "no screen or route has this path")
    return decoded
