"""One public request on its way through the gateway: what came in, and what the stages have found out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from starlette.types import Receive, Scope

from bff.apps import Identity
from bff.caller import GUEST, Caller
from bff.composition.engine import Run
from bff.composition.outcome import Outcome
from bff.faces.answer import Answer, Headers
from bff.priority import Priority
from bff.state.limits_policy import Verdict
from bff.upstream.scope import RequestScope


class Endpoint(Protocol):
    """What stands behind a path: a screen, an app's GraphQL, a plain route."""

    @property
    def template(self) -> str:
        """The path as declared; the name of this endpoint in logs and metrics."""
        ...

    @property
    def name(self) -> str:
        """What rate limits and `bff check` call it: app/screen, app/action, app/graphql, routes/name."""
        ...

    @property
    def app(self) -> str: ...

    @property
    def owner(self) -> str:
        """The team to call."""
        ...

    @property
    def identities(self) -> frozenset[Identity]:
        """The proofs of identity it takes."""
        ...

    @property
    def counted(self) -> bool:
        """Whether its rate limits are charged before `answer`; else it charges them itself, when it knows for what."""
        ...

    @property
    def account(self) -> str | None:
        """The member of its JSON body that names an account, if one does: for rate limits by account."""
        ...

    @property
    def methods(self) -> tuple[str, ...]: ...

    @property
    def guests(self) -> bool: ...

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def priority(self) -> Priority: ...

    async def answer(self, request: "Request") -> Answer: ...


class Request(Struct):  # a Struct: made in C, where a dataclass of as many members costs 90 bytecodes
    """What came in (`scope`, `receive`), and what each stage adds for those behind it."""

    scope: Scope
    receive: Receive
    started: float
    id: str = ""
    endpoint: Endpoint | None = None
    path: dict[str, str] = {}
    caller: Caller = GUEST
    outcomes: Mapping[str, Outcome] = {}
    work: RequestScope = field(default_factory=RequestScope)  # its upstream calls, and the trace that they go on in
    runs: Sequence[tuple[str, Run]] = ()  # its screens by name, and how each went
    parent: str = ""  # the span id of the client's own span, if it told one
    sampled: bool = False  # its trace is kept, whatever comes of it
    problem: str | None = None  # the kind of problem document that answered it
    admitted: bool = False  # it has a place among those in flight
    address: str = ""  # the client's, as far as trusted proxies tell it
    body: bytes | None = None  # once it was read
    headers: Headers = []  # what stages add to the answer, whatever it is
    verdicts: list[Verdict] = []  # what limits said of it, for the fields that tell the client
    refused: str | None = None  # why, when a stage refused it; for the audit line, never for the client
    method: str = ""
    raw_headers: Headers = []  # all of them, as they came
    given: Mapping[bytes, bytes] = {}  # the first value of each header, by its lower-case name

    def __post_init__(self) -> None:
        scope = self.scope
        self.method = scope.get("method", "")
        self.raw_headers = headers = scope.get("headers", [])
        self.given = given = dict(headers)
        if len(given) < len(headers):  # some stand twice
            self.given = dict(reversed(headers))

    def header(self, name: bytes) -> str | None:
        """The first value of a header (lower-case name), or None."""
        value = self.given.get(name)
        return None if value is None else value.decode("latin-1")

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header (lower-case name): where a second one is a reason to refuse."""
        if len(self.given) == len(self.raw_headers):  # none stands twice
            return [self.given[name]] if name in self.given else []
        return [value for told, value in self.raw_headers if told == name]

    def keep(self, headers: Headers) -> None:
        """Go on with these headers alone."""
        self.scope["headers"] = headers
        self.__post_init__()
