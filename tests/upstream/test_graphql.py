"""A client of a GraphQL service: what it sends, and what it takes each answer for."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from bff import BackendError, BackendInvalid, BackendStatus, Missing
from bff.testing import StubReply, StubService, client_of
from bff.upstream.call import Call, Reply
from bff.upstream.codecs.graphql import Answer, GraphQLError, operation
from bff.upstream.graphql import GraphQLClient
from bff.upstream.service import Service
from tests.upstream.library import BOOK, Library


@dataclass
class Said:
    """A Sender that answers with one body and keeps what it was asked."""

    body: bytes
    status: int = 200

    def __post_init__(self) -> None:
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(self.status, body=self.body)

    async def close(self) -> None: ...


def library(body: str, status: int = 200) -> tuple[Library, Said]:
    said = Said(body.encode(), status)
    return Library(Service("library", said)), said


async def test_a_query_may_be_sent_again_and_a_mutation_may_not() -> None:
    client, said = library('{"data": {"book": null}}')
    await client.book("1")
    said.body = b'{"data": {"rate": 5}}'
    await client.rate("1", 5)
    query, mutation = said.calls
    assert (query.method, query.target, query.repeatable, mutation.repeatable) == ("POST", "/graphql", True, False)
    assert msgspec.json.decode(query.body) == {"query": BOOK, "operationName": "Book", "variables": {"id": "1"}}
    assert dict(query.headers)["content-type"] == "application/json"
    assert dict(query.headers)["accept"].startswith("application/graphql-response+json")


async def test_the_breaker_sees_what_an_answer_of_errors_means() -> None:
    """The errors are raised by `Call.decode`, which the layer that judges health runs."""
    client, said = library('{"data": {"book": null}}')
    await client.book("1")
    decode: Callable[[bytes], object] | None = said.calls[0].decode
    assert decode is not None
    with pytest.raises(BackendInvalid):
        decode(b'{"data": null, "errors": [{"message": "down", "path": ["book"]}]}')
    with pytest.raises(BackendStatus, match="no"):
        decode(b'{"errors": [{"message": "no", "extensions": {"code": "RATE_LIMITED"}}]}')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"data": {"book": {"id": 5}}}', r"\$\.data\.book\.id: Expected `str`, got `int`"),
        ("{}", r"\$\.data: neither data nor errors"),
        ('{"data": ', "not JSON"),
        ("\xff", "not JSON"),
        ('{"data": {"book": null}, "errors": "many"}', r"\$\.errors: Expected"),
        ('{"data": null, "errors": [{"message": "down", "path": ["book", 0, "title"]}]}', r"book\.0\.title: down"),
        ("[" * 5000, "nested too deep|not JSON|Expected"),
    ],
)
async def test_an_answer_that_is_none_is_invalid_and_says_where(body: str, told: str) -> None:
    client, _ = library(body)
    with pytest.raises(BackendInvalid, match=told):
        await client.book("1")


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "x"}, BackendStatus, 400),
        ({"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, BackendStatus, 500),
        ({"message": "x", "extensions": {"code": "THROTTLED"}}, BackendStatus, 429),
        ({"message": "x", "path": ["book"], "extensions": {"code": "ODD"}}, BackendInvalid, 0),
        ({"message": "x", "path": ["book"], "extensions": {"code": 7}}, BackendInvalid, 0),
        ({"message": "x", "extensions": {"code": "NOT_FOUND"}}, Missing, 404),
    ],
)
async def test_the_first_errors_code_says_what_kind_of_failure_it_is(
    error: dict[str, object], kind: type[BackendError], status: int
) -> None:
    client, _ = library(msgspec.json.encode({"errors": [error, {"message": "and more"}]}).decode())
    with pytest.raises(kind, match=r"/graphql Book: (book: )?x") as caught:
        await client.book("1")
    assert type(caught.value) is kind
    assert getattr(caught.value, "status", 0) == status


async def test_a_status_that_is_no_answer_keeps_its_status_and_adds_the_services_words() -> None:
    refused = StubReply.json({"errors": [{"message": "who are you"}]}, 401)
    async with StubService({"/graphql": refused}) as stub, client_of(Library, stub) as client:
        with pytest.raises(BackendStatus, match="status 401: who are you") as caught:
            await client.book("1")
    assert caught.value.status == 401


async def test_another_path_is_said_with_the_class() -> None:
    class Elsewhere(Library, path="/api/graph"):
        pass

    said = Said(b'{"data": {"book": null}}')
    assert await Elsewhere(Service("library", said)).book("1") is None
    assert said.calls[0].target == "/api/graph"


@pytest.mark.parametrize(
    "document", ["{ a", "fragment A on B { c }", "query A { a } query B { b }", "subscription S { s }", ""]
)
def test_a_document_that_cannot_be_one_call_is_a_bug_of_ours(document: str) -> None:
    with pytest.raises(ValueError, match=r"not a GraphQL document|one query or mutation"):
        operation(document)


async def test_a_type_that_could_never_be_filled_is_a_bug_of_ours() -> None:
    client, _ = library("{}")
    with pytest.raises(TypeError):
        await client.query(BOOK, GraphQLClient)


def test_an_error_tells_its_place_and_its_code() -> None:
    assert str(GraphQLError("x", ["a", 0, "b"])) == "a.0.b: x"
    assert GraphQLError("x", extensions={"code": "A"}).code == "A"
    assert Answer(data=1).errors is None
