"""Every feature of a client once, each with its reason. Nothing calls this: begin yours with `bff new backend NAME`.

A client is a class that calls one service of bff.toml. It knows paths and wire shapes, and nothing of screens.
"""

from datetime import datetime

import msgspec

from bff import Client, Json, batched
from bff.upstream.codecs.xml import XmlCodec


# Wire models stand beside their client, as msgspec Structs: decoded straight from the answer's bytes and checked. What
# the service writes and you do not name is skipped, so it may add fields without asking you. What you name is promised:
# if it is absent or of another type, the call raises BackendInvalid, which names the field.
class Book(msgspec.Struct):
    id: str
    title: str
    published_at: datetime  # RFC 3339; read and checked, not left a string
    shelf: str | None = None  # a default says that the service may leave it out


class Review(msgspec.Struct):
    book_id: str
    stars: int


# An envelope that the service wraps its lists in is its own affair: private here, opened in the method.
class _Page(msgspec.Struct):
    items: list[Book]
    next: str | None = None


class _Stars(msgspec.Struct):
    stars: int


class Library(Client, service="library"):  # the name of [services.library] in bff.toml; `bff check` refuses one not there
    """Books and what people think of them."""

    # One call, one line. Words in braces are filled from the arguments and percent-encoded; so `book_id="../x"` cannot
    # leave its place. Timeouts, the deadline, retries and tracing are not your concern: they are the service's settings.
    async def book(self, book_id: str) -> Book:
        """Raises Missing when there is no such book: a 404 is an answer, not an outage."""
        return await self.get("/books/{book_id}", Book, book_id=book_id)

    # All other arguments become the query: a list is repeated (?topic=a&topic=b), None is left out.
    async def search(self, words: str, topics: list[str], cursor: str | None = None) -> list[Book]:
        return (await self.get("/books", _Page, q=words, topic=topics, cursor=cursor)).items

    # What one call needs besides its service's settings. The shelves are the same for everybody, so readers who ask at the
    # same moment share a call; and they are cheap to read, so when the answer is late another instance is asked as well.
    # Likewise `timeout=` (seconds in all) and `retry=False`; as arguments of the class they hold for all its calls.
    async def shelves(self) -> list[str]:
        return await self.under(shared=True, hedge=True).get("/shelves", list[str])

    # Written for many keys, called with one: `await library.review(book_id)`, or `await library.review.many(ids)`. Calls
    # in one turn of the loop share a request, each distinct key is sent once, and at most `max_size` keys travel in a
    # call (give the service's own limit). A key that the dictionary lacks is Missing for who asked for it, and for
    # nobody else. What follows the keys (`language`) is part of the batch: calls that differ in it are not mixed.
    @batched(max_size=50)
    async def review(self, book_ids: list[str], language: str = "en") -> dict[str, Review]:
        found = await self.get("/reviews", list[Review], book=book_ids, language=language)
        return {review.book_id: review for review in found}

    # An answer that a screen shows as it is: checked to be JSON, then passed on unread, which costs nothing.
    async def topics(self) -> Json:
        return await self.get("/topics", Json)

    # Writes. They are never sent twice, unless the service takes an Idempotency-Key: then give the caller's.
    async def rate(self, book_id: str, stars: int, key: str) -> Review:
        return await self.post("/books/{book_id}/reviews", Review, _Stars(stars), idempotency_key=key, book_id=book_id)

    async def forget(self, book_id: str) -> None:
        """`None` as the type: whatever the answer's body, nobody reads it."""
        await self.delete("/books/{book_id}", type(None), book_id=book_id)


class Loan(msgspec.Struct):
    book: str  # <loan book="1"> and <loan><book>1</book></loan> are read alike
    days: int


class _Loans(msgspec.Struct):
    loan: list[Loan] = []  # one <loan> is a list of one, none is an empty list


class Loans(Client, service="loans", codec=XmlCodec()):
    """A service that speaks XML: another codec, and everything else is the same.

    One that speaks gRPC is `class X(Client, service="x", proto="x.proto")`, with the .proto beside the client and
    `await self.rpc("/package.Service/Method", Answer, Request(...))` in its methods: see clients/delivery.py. One that
    speaks GraphQL is a `GraphQLClient`: see bff/upstream/graphql.py.
    """

    async def of(self, user_id: str) -> list[Loan]:
        return (await self.get("/loans", _Loans, user=user_id)).loan
