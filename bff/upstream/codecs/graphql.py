"""GraphQL over HTTP, as a caller: a request's body, and an answer's bytes to the declared data and the errors beside it.

An answer may be whole, partial or none (GraphQL, section 7). Partial data is what its type says: a field that failed is
null, so where the type allows None it is None, and where it does not the answer is refused, with the error that tells
why in place of "got null".
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec
from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse

from bff.upstream.codecs.codec import CodecError, told
from bff.upstream.codecs.shapes import refuse_unfillable

T = TypeVar("T")

CONTENT_TYPE: Final = "application/json"
# The draft of GraphQL over HTTP first, then what services answered before it.
ACCEPT: Final = "application/graphql-response+json, application/json;q=0.9"


class GraphQLError(msgspec.Struct):
    """One error of an answer. `path` leads to the field that is null for it; a request that was refused whole has none."""

    message: str = ""
    path: list[str | int] | None = None
    extensions: dict[str, Any] | None = None  # Any: each service's own

    @property
    def code(self) -> str:
        """`extensions.code`, by which services tell kinds of errors apart; "" if there is none."""
        code = (self.extensions or {}).get("code")
        return code if isinstance(code, str) else ""

    def __str__(self) -> str:
        at = ".".join(map(str, self.path or ()))
        return f"{at}: {self.message}" if at else self.message


class Answer(msgspec.Struct, Generic[T]):
    """The data, and what is wrong with it. Without data the request was refused, or the operation failed as a whole."""

    data: T | None = None
    errors: list[GraphQLError] | None = None


class _Errors(msgspec.Struct):
    errors: list[GraphQLError] | None = None


class Operation(NamedTuple):
    name: str | None
    is_query: bool


@lru_cache(maxsize=1024)  # documents are constants of the clients; one that is put together anew each time would not end
def operation(document: str) -> Operation:
    """The one operation of a document. ValueError for a document that has none, several, or a subscription."""
    try:
        found = [node for node in parse(document).definitions if isinstance(node, OperationDefinitionNode)]
    except GraphQLSyntaxError as error:
        raise ValueError(f"not a GraphQL document: {error}") from error
    if len(found) != 1 or found[0].operation is OperationType.SUBSCRIPTION:
        raise ValueError(f"a document has one query or mutation, not {len(found)} operations or a subscription")
    return Operation(found[0].name.value if found[0].name else None, found[0].operation is OperationType.QUERY)


def body(document: str, variables: Mapping[str, object]) -> bytes:
    """What is posted. A variable that is None is left out, so that its default counts; `msgspec.Raw(b"null")` is a null."""
    given = {name: value for name, value in variables.items() if value is not None}
    return msgspec.json.encode({"query": document, "operationName": operation(document).name, "variables": given})


def reader(kind: type[T]) -> Callable[[bytes], Answer[T]]:
    """What reads answers whose data is of that type; it raises CodecError, or Refused with the errors of the answer."""
    refuse_unfillable(kind)
    of_kind = cast(Any, Answer)[kind]  # Any: no checker takes a type that is known only now
    whole: Callable[[bytes], Answer[T]] = msgspec.json.Decoder(of_kind).decode
    rest = msgspec.json.Decoder(_Errors).decode

    def read(raw: bytes) -> Answer[T]:
        try:
            answer = whole(raw)
        except msgspec.ValidationError as error:
            if errors := _errors(rest, raw):
                raise Refused(errors, partial=True) from error
            raise told(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CodecError(f"not JSON: {error}") from error
        except RecursionError as error:
            raise CodecError("nested too deep") from error
        if answer.data is None:
            if answer.errors:
                raise Refused(answer.errors, partial=False)
            raise CodecError("neither data nor errors", "$.data")
        return answer

    return read


class Refused(Exception):
    """An answer of errors, without data or with data that lacks what its type must have."""

    def __init__(self, errors: list[GraphQLError], *, partial: bool) -> None:
        self.errors, self.partial = errors, partial
        super().__init__(str(errors[0]))


def errors_of(raw: bytes) -> list[GraphQLError]:
    """The errors in the body of an answer that is not 2xx; none if it is no GraphQL answer."""
    return _errors(msgspec.json.Decoder(_Errors).decode, raw)


def _errors(read: Callable[[bytes], _Errors], raw: bytes) -> list[GraphQLError]:
    try:
        return read(raw).errors or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
