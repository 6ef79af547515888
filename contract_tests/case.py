"""What a client expects of its service, one request a case."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bff import Client

C = TypeVar("C", bound=Client)
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Case(Generic[C]):
    """`says` names it in the Pact; `given` is a row of GIVEN (given.py) that the service must hold.

    A write is a POST of `body` (JSON values or XML) with the Idempotency-Key `key`.
    """

    says: str
    ask: Callable[[C], Awaitable[object]]
    path: str
    answer: object = None
    query: Query = ()
    given: str = ""
    status: int = 200
    method: str = "GET"
    body: object = None
    key: str = ""


@dataclass(frozen=True)
class Expected(Generic[C]):
    client: type[C]
    cases: Sequence[Case[C]]

    def and_(self, more: Sequence[Case[C]]) -> "Expected[C]":
        return Expected(self.client, [*self.cases, *more])
