"""Every feature of a composer once, each with its reason. Read it from its last lines: the screen, then its sections.

The underscore in front of its name keeps it out of the apps; it is typed and tested like the others. Begin yours with
`bff new screen NAME`. A composer orders calls and maps shapes. It computes no price, no fee, no eligibility: those rules
live in services, where every other caller finds them too.
"""

from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from bff import ID, Caller, Deadline, Json, Screen, field, needs, section
from clients._example import Book, Library, Loan, Loans
from composers._shapes import one_of
from composers.apps import mobile, web
from schemas._example import BookCard, Order, ReaderBadge, Shelf

# Names shared by several composers stand in modules with an underscore, like composers/_shapes.py.

# Inputs are what the client gives. Their types are their validation, told to clients in OpenAPI: a bad one is a 422 that
# names it, before anything is called. Lists must have a limit.
Words = Annotated[str, MaxLen(100)]
Topics = Annotated[list[str], MaxLen(5)]
Limit = Annotated[int, Ge(1), Le(50)]

# A call that usually leaves less than this has no sense: it would be cut.
WORTH_A_CALL = 0.05


# A step: a section that no attribute of the screen shows, there because others need it. It has no fallback: one that
# fell back would leave those that need it none the wiser, and the client would be told that all is well.
@section(timeout=0.3)  # seconds; never more than the screen's budget has left
async def loans(loans: Loans, caller: Caller) -> list[Loan]:
    # A parameter is a client or the Caller (or Deadline) by its type ...
    return await loans.of(caller.id or "")


# No fallback, constant or computed: the section is required. When it fails, the screen fails, with a problem document
# that names it (404 if it is Missing, else 502, 503 or 504). Few sections should be.
@section()
async def reader(caller: Caller, borrowed: list[Loan] = needs(loans)) -> ReaderBadge:
    # ... or the value of another section, by `= needs(...)`, which also says that it must run first. Needs come last.
    """Who reads.

    A section's docstring is what clients read in GraphQL and OpenAPI; its reasons stand in comments.
    """
    return ReaderBadge(name=caller.id or "guest", borrowed=len(borrowed))


# ... anything else is an input: `{shelf}` of the path, the others of the query (in GraphQL all are arguments).
@section(timeout=0.4, fallback=list[BookCard])  # a constant fallback: a typed factory, so that each screen has a fresh one
async def books(
    library: Library, shelf: str, q: Words = "", topics: Topics = [], limit: Limit = 20, order: Order = Order.NEWEST
) -> list[BookCard]:
    """What stands here."""
    found = await library.search(f"{shelf} {q}", topics)
    found.sort(key=_title if order is Order.TITLE else _age)
    return [_card(book) for book in found][:limit]


# A fallback that is computed: it has 150 ms and may take clients, inputs and the needs of its section. If it fails too,
# the constant one is used. The client sees the stand-in, and `meta` says that it is one, and whose fault it was.
@books.fallback
async def any_books(library: Library) -> list[BookCard]:
    return [_card(book) for book in await library.search("", [])]


# fallback=None makes the value optional: the type checkers then want `| None` in the screen's type.
# Without the scope the section is `forbidden` and its backends are not asked; the others are unharmed.
@section(timeout=0.4, fallback=None, scopes=["loans:read"])
async def borrowed(library: Library, deadline: Deadline, loans: list[Loan] = needs(loans)) -> list[BookCard]:
    """What you have at home."""
    # Calls in one section that wait for each other are one section's affair; calls that do not are two sections.
    if deadline.left() < WORTH_A_CALL:
        return []
    return [_card(await library.book(loan.book)) for loan in loans[:1]]  # many? then the client's method is @batched


# What a backend writes, shown as it is.
@section(timeout=0.3, fallback=None)
async def topics(library: Library) -> Json:
    """All topics."""
    return await library.topics()


# One attribute of every BookCard, wherever one is shown, from another call: the function gets the list of items and
# gives their values in the same order, so 40 cards cost one call. It runs only when the attribute is asked for. When it
# fails the attribute stays null, `meta` names it as `books.stars`, and the cards are unharmed.
@field(BookCard, timeout=0.3)
async def stars(books: list[BookCard], library: Library) -> list[int | None]:
    """What people say of it."""
    found = await library.review.many(str(book.id) for book in books)
    return [found[book.id].stars if book.id in found else None for book in books]


def _card(book: Book) -> BookCard:
    # A plain function maps; it is the one place where a wire model becomes a screen type.
    return BookCard(id=ID(book.id), title=book.title, published_at=book.published_at)


def _title(book: Book) -> str:
    return book.title


def _age(book: Book) -> float:
    return -book.published_at.timestamp()


# A word that a service may invent (a new status, a new kind) goes through `one_of`: unknown, it is the service's failure,
# for which a fallback stands in. A bare `Order(word)` would raise ValueError, which is a bug of ours and a 500: only what
# a backend did wrong may fall back.
def order_of(said: str) -> Order:
    return one_of(Order, said, "library")


# The screen, last: an instance of its type in which `needs` stands for each section's value. mypy and pyright have proved
# that the two fit before it runs. Another app with another shape has another template over the same sections, never an
# `if` on the app; sections that both use run alike in both.
shelf = Screen(
    "/shelves/{shelf}",  # below the app's prefix: /mobile/v1/shelves/{shelf}
    Shelf(reader=needs(reader), books=needs(books), borrowed=needs(borrowed), topics=needs(topics)),
    apps=(mobile, web),
    budget=0.9,  # seconds for the whole; the default is 1.0
    name="shelf",  # of the GraphQL field and for `bff call`; by default the path's first fixed part
    guests=True,  # callers without an identity may come in
    scopes=[],  # what a caller must hold to see it at all; a section's own scopes cost the section only
    priority="normal",  # how long it is kept when not all can be served; what people must be able to do is "critical"
)
