"""`GraphQLClient`: a typed client of a service that speaks GraphQL; one document, one method."""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar, cast

from bff.errors import BackendInvalid, BackendStatus, Missing
from bff.upstream.client import Client
from bff.upstream.codecs import graphql
from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.graphql import Answer, Refused

__all__ = ["Answer", "GraphQLClient"]

T = TypeVar("T")

# What `extensions.code` says in the statuses of HTTP, so that one rule judges all services (verdict.py): Apollo's words,
# and those that others use for the same. A code that is not here is a failure of the service.
STATUSES: Final = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "UNAUTHORIZED": 403,
    "ACCESS_DENIED": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "TOO_MANY_REQUESTS": 429,
    "RATE_LIMITED": 429,
    "THROTTLED": 429,
    "GRAPHQL_PARSE_FAILED": 400,
    "GRAPHQL_VALIDATION_FAILED": 400,
    "BAD_USER_INPUT": 400,
    "BAD_REQUEST": 400,
    "OPERATION_RESOLUTION_FAILURE": 400,
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}
# Readers that a class keeps. Documents are constants; one that is put together anew for each call would not end.
_MAX_READERS: Final = 1024
_HEADERS: Final = (("accept", graphql.ACCEPT), ("content-type", graphql.CONTENT_TYPE))


class GraphQLClient(Client):
    """Base of such clients: `class Shop(GraphQLClient, service="shop", path="/graphql")`, each with its documents.

        ORDERS = "query Orders($user: ID!) { orders(user: $user) { id total } }"

        class _Orders(msgspec.Struct):
            orders: list[Order]

        async def orders(self, user_id: str) -> list[Order]:
            return (await self.query(ORDERS, _Orders, user=user_id)).orders

    A query may be sent again like any read; a mutation is sent once. A field that failed is null: type it `| None` if the
    rest is worth having without it, else the call fails with the error that the service gave for it.
    """

    path: ClassVar[str] = "/graphql"
    _readers: ClassVar[dict[tuple[str, Any], Callable[[bytes], Any]]] = {}  # by document and type

    def __init_subclass__(cls, *, path: str | None = None, **options: Any) -> None:  # Any: what Client takes
        super().__init_subclass__(**options)
        cls._readers = {}
        if path is not None:
            cls.path = path

    async def query(self, document: str, kind: type[T], /, **variables: Any) -> T:
        """The data of the answer. Raises Missing or BackendStatus by the code of its first error, else BackendInvalid."""
        return cast("T", (await self.answer(document, kind, **variables)).data)  # never None: `answer` raises in its place

    async def answer(self, document: str, kind: type[T], /, **variables: Any) -> Answer[T]:
        """The data with the errors beside it, for who must know why a part is None."""
        name, is_query = graphql.operation(document)
        label = f"{self.path} {name or 'query'}"
        try:
            return await self._send(
                "POST",
                label,
                self.path,
                _HEADERS,
                graphql.body(document, variables),
                self._reader(document, label, kind),
                is_query,
            )
        except BackendStatus as error:
            errors = graphql.errors_of(error.body)
            if not errors or isinstance(error, Missing):
                raise
            detail = f"{error.detail}: {errors[0]}"
            raise BackendStatus(self.service, error.status, detail, retry_after=error.retry_after, body=error.body) from error

    def _reader(self, document: str, label: str, kind: type[T]) -> Callable[[bytes], Answer[T]]:
        found = self._readers.get((document, kind))
        if found is None:
            if len(self._readers) >= _MAX_READERS:
                self._readers.clear()
            found = self._readers[document, kind] = _reader(self.service, label, kind)
        return found


def _reader(service: str, label: str, kind: type[T]) -> Callable[[bytes], Answer[T]]:
    read = graphql.reader(kind)

    def decode(raw: bytes) -> Answer[T]:
        try:
            return read(raw)
        except CodecError as error:
            raise BackendInvalid(service, f"{label}: {error}") from error
        except Refused as refused:
            raise _failed(service, label, refused) from refused

    return decode


def _failed(service: str, label: str, refused: Refused) -> BackendStatus | BackendInvalid:
    first = refused.errors[0]
    told = f"{label}: {first}"
    status = STATUSES.get(first.code)
    if status is None and not refused.partial and first.path is None:
        status = 400  # a request error (GraphQL, section 7.1.2): it was refused before any field of it was asked for
    if status is None:
        return BackendInvalid(service, told)
    return Missing(service, told) if status == 404 else BackendStatus(service, status, told)
