"""A client of a GraphQL service, for the tests of GraphQLClient."""

import msgspec

from bff.upstream.graphql import GraphQLClient

BOOK = "query Book($id: ID!, $more: Int) { book(id: $id, more: $more) { id title rating author { name } } }"
RATE = "mutation Rate($id: ID!, $stars: Int!) { rate(id: $id, stars: $stars) }"


class Author(msgspec.Struct):
    name: str


class Book(msgspec.Struct):
    id: str
    title: str
    author: Author
    rating: float | None = None


class TheBook(msgspec.Struct):
    book: Book | None


class Rated(msgspec.Struct):
    rate: int


class Library(GraphQLClient, service="library"):
    async def book(self, book_id: str, more: int | None = None) -> Book | None:
        return (await self.query(BOOK, TheBook, id=book_id, more=more)).book

    async def rate(self, book_id: str, stars: int) -> int:
        return (await self.query(RATE, Rated, id=book_id, stars=stars)).rate
