"""A client of a GraphQL service against a real Strawberry server on a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import strawberry
import uvicorn
from graphql import GraphQLError as Raised
from strawberry.asgi import GraphQL

from bff import BackendInvalid, BackendStatus, Missing
from bff.service_settings import ServiceSettings
from bff.upstream import pipe
from tests.upstream.library import BOOK, Author, Book, Library, Rated, TheBook


def _fails(code: str | None = None) -> Any:
    raise Raised("it is away", extensions={"code": code} if code else None)


@strawberry.type(name="Author")
class ServedAuthor:
    name: str


@strawberry.type(name="Book")
class ServedBook:
    id: strawberry.ID
    title: str

    @strawberry.field
    def author(self) -> ServedAuthor | None:
        return _fails() if self.id == "authorless" else ServedAuthor(name="Ada")

    @strawberry.field
    def rating(self) -> float | None:
        return _fails("SERVICE_UNAVAILABLE") if self.id == "unrated" else 4.5


@strawberry.type
class Query:
    @strawberry.field
    def book(self, id: strawberry.ID, more: int = 7) -> ServedBook | None:  # noqa: A002
        if id == "none":
            return None
        if id in ("FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND"):
            _fails(id)
        return ServedBook(id=id, title=f"more is {more}")

    @strawberry.field
    def broken(self) -> int:
        return int(_fails())


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rate(self, id: strawberry.ID, stars: int) -> int:  # noqa: A002
        return stars


@asynccontextmanager
async def served() -> AsyncIterator[Library]:
    """A client of that schema, served by Strawberry's own ASGI app."""
    app = GraphQL[None, None](strawberry.Schema(Query, Mutation), graphql_ide=None)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # before the server is up: who connects waits for it
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        running = asyncio.create_task(server.serve([listening]))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        service = pipe.service("library", ServiceSettings(instances=[url], timeout=5))
        try:
            yield Library(service)
        finally:
            await service.sender.close()
            server.should_exit = True
            await running


async def test_data_is_read_straight_to_its_type_and_a_variable_that_is_none_is_left_to_its_default() -> None:
    async with served() as library:
        assert await library.book("1") == Book("1", "more is 7", Author("Ada"), 4.5)
        assert await library.book("1", more=3) == Book("1", "more is 3", Author("Ada"), 4.5)
        assert await library.book("none") is None
        assert await library.rate("1", 5) == 5


async def test_a_part_that_failed_is_none_where_its_type_has_none_and_the_answer_tells_why() -> None:
    async with served() as library:
        book = await library.book("unrated")
        assert book is not None
        assert book.rating is None
        answer = await library.answer(BOOK, TheBook, id="unrated")
        assert answer.data == TheBook(book)
        assert [(error.code, str(error)) for error in answer.errors or ()] == [
            ("SERVICE_UNAVAILABLE", "book.rating: it is away")
        ]


async def test_a_part_that_failed_and_must_be_there_fails_the_call_with_the_services_own_words() -> None:
    async with served() as library:
        with pytest.raises(BackendInvalid, match=r"/graphql Book: book\.author: it is away"):
            await library.book("authorless")


async def test_what_fails_as_a_whole_is_the_services_failure() -> None:
    async with served() as library:
        with pytest.raises(BackendInvalid, match="broken: it is away"):
            await library.query("{ broken }", Rated)


@pytest.mark.parametrize(("code", "status"), [("FORBIDDEN", 403), ("UNAUTHENTICATED", 401)])
async def test_a_field_that_may_not_be_seen_and_must_be_there_is_a_refusal(code: str, status: int) -> None:
    class _Must(msgspec.Struct):
        book: Book

    async with served() as library:
        with pytest.raises(BackendStatus, match="it is away") as caught:
            await library.query(BOOK, _Must, id=code)
        assert caught.value.status == status
        with pytest.raises(Missing):
            await library.query(BOOK, _Must, id="NOT_FOUND")


async def test_a_document_that_the_service_does_not_take_is_our_fault_and_not_its_ill_health() -> None:
    async with served() as library:
        with pytest.raises(BackendStatus, match="Cannot query field 'nothing'") as caught:
            await library.query("query Wrong { nothing }", Rated)
        assert caught.value.status == 400
