"""What the demo's HTTP services share: a table of endpoints, checked inputs, pages, and refusals.

An endpoint is a plain function `def user(ask: Ask) -> object`; what it returns is answered as JSON, unless it is a
StubReply already. It refuses by raising `Refused`. What is one user's is guarded by
`ask.only(user_id)` before anything of it is read out.
"""

import base64
import binascii
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from backends.asker import ANYBODY, Asker, Door
from backends.asker import Refused as Refused  # for endpoints: they import it from here
from backends.store import Store
from backends.tokens import Tokens
from bff.inside import HEADER, Verifier
from bff.testing.stub import Handler, StubReply, StubRequest

BATCH = 100  # ids in one request
PAGE, LONGEST_PAGE = 20, 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """What endpoints work on."""

    store: Store
    tokens: Tokens
    inside: str | None = None  # where the gateway's public keys are, an address or a file; None: nobody is checked

    def door(self, service: str) -> Door | None:
        """What reads who asks this service; None: nobody is checked."""
        return None if self.inside is None else Door(Verifier(self.inside, audience=service))


@dataclass(slots=True)
class Ask:
    """One request to an endpoint, with its inputs checked as they are taken."""

    world: World
    request: StubRequest
    path: dict[str, str] = field(default_factory=dict)
    asker: Asker = ANYBODY

    def only(self, user_id: str, what: str = "such thing") -> None:
        """Go on for this user alone; 404 (no `what`) for anybody else, 401 for who does not come from the gateway."""
        self.asker.only(user_id, what)

    def may(self, user_id: str) -> bool:
        """Whether what is this user's may be shown: for lists, of which only one's own is left."""
        return self.asker.may(user_id)

    @property
    def store(self) -> Store:
        return self.world.store

    def id(self, name: str = "id") -> int:
        """The number in the path; what is no number names nothing, so 404."""
        if not is_id(self.path[name]):
            raise Refused(404, f"no {self.path[name]}")
        return int(self.path[name])

    def exists(self, table: str, key: str) -> bool:
        """Whether a key that came in a body names a row."""
        return is_id(key) and self.store.one(f"SELECT 1 FROM {table} WHERE id = ?", int(key)) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A query parameter; 422 if it is missing and has no default."""
        values = self.request.query.get(name)
        if values:
            return values[0]
        if default is None:
            raise Refused(422, f"{name} is required")
        return default

    def texts(self, name: str) -> list[str]:
        return list(dict.fromkeys(self.request.query.get(name, [])))

    def key(self, name: str) -> int:
        """An id as a query parameter; 422 if it is missing or no id."""
        text = self.text(name)
        if not is_id(text):
            raise Refused(422, f"{name} must be an id, not {text!r}")
        return int(text)

    def keys(self, name: str) -> list[int]:
        """The ids of a batch, each once. Those that are no numbers are left out, like all that do not exist."""
        texts = self.texts(name)
        if not 1 <= len(texts) <= BATCH:
            raise Refused(422, f"{name} must be given 1 to {BATCH} times, not {len(texts)}")
        return [int(text) for text in texts if is_id(text)]

    def real(self, name: str) -> float:
        try:
            return float(self.text(name))
        except ValueError:
            raise Refused(422, f"{name} must be a number") from None

    def limit(self, default: int = PAGE) -> int:
        """How many items; more than the longest page gives the longest page."""
        text = self.text("limit", str(default))
        if not is_id(text) or int(text) < 1:
            raise Refused(422, f"limit must be a whole number from 1, not {text!r}")
        return min(int(text), LONGEST_PAGE)

    def cursor(self) -> int | None:
        """The key that the last page ended with; None on the first page."""
        text = self.text("cursor", "")
        if not text:
            return None
        try:
            key = base64.urlsafe_b64decode(text.encode() + b"==").decode()
        except (binascii.Error, UnicodeError):
            key = ""
        if not key.startswith("k") or not is_id(key[1:]):
            raise Refused(422, "cursor is not one of ours")
        return int(key[1:])

    def json(self, kind: type[T]) -> T:
        """The body as `kind`; 422 says what is wrong with it."""
        try:
            return msgspec.json.decode(self.request.body, type=kind)
        except msgspec.DecodeError as error:
            raise Refused(422, str(error)) from error


Endpoint = Callable[[Ask], object]
Table = Mapping[str, Endpoint]  # "GET /users/{id}" -> endpoint


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # what SQLite's integers hold


def handler(
    table: Table, world: World, *, error: Callable[[Refused], StubReply] | None = None, door: Door | None = None
) -> Handler:
    """Serve `table`: 404 for an unknown path, 405 with Allow for a known one asked otherwise. HEAD is GET's.

    With a `door` endpoints are told who asks.
    """
    routes = Routes(table)
    refuse = error or (lambda refused: StubReply.json({"error": refused.text}, refused.status))

    def answer(request: StubRequest, asker: Asker = ANYBODY) -> StubReply:
        found = routes.find(request.path)
        if found is None:
            return refuse(Refused(404, f"no {request.path}"))
        methods, path = found
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            reply = refuse(Refused(405, f"not {request.method}"))
            reply.headers = (("Allow", ", ".join(sorted(methods))),)
            return reply
        try:
            result = endpoint(Ask(world, request, path, asker))
        except Refused as refused:
            return refuse(refused)
        return result if isinstance(result, StubReply) else StubReply.json(result)

    if door is None:
        return answer

    async def told(request: StubRequest) -> StubReply:
        return answer(request, await door.asker(request.headers.get(HEADER)))

    return told


class Routes:
    """Paths to endpoints: those without parameters by a look-up first, so that /orders/active is no order's id."""

    def __init__(self, table: Table) -> None:
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, Endpoint]]] = {}
        for line, endpoint in table.items():
            method, path = line.split()
            if "{" in path:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\.")))
                self._patterns.setdefault(path, (pattern, {}))[1][method] = endpoint
            else:
                self._plain.setdefault(path, {})[method] = endpoint

    def find(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]] | None:
        if path in self._plain:
            return self._plain[path], {}
        for pattern, methods in self._patterns.values():
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return None


def page(rows: Sequence[sqlite3.Row], limit: int, show: Callable[[sqlite3.Row], object], key: str = "id") -> object:
    """The first `limit` of `rows` (ask for one more than that) and the cursor to go on from, null at the end."""
    more = len(rows) > limit
    cursor = base64.urlsafe_b64encode(f"k{rows[limit - 1][key]}".encode()).decode().rstrip("=") if more else None
    return {"items": [show(row) for row in rows[:limit]], "next": cursor}


def money(amount: int, currency: str) -> dict[str, object]:
    return {"amount": amount, "currency": currency}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
