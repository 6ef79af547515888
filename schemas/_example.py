"""The types of composers/_example.py: what a client of ours is given, and nothing of how it is had.

Views and enums: REST, GraphQL and OpenAPI are all made from them. No behaviour, no backend. Their docstrings are the
clients' documentation.
"""

from datetime import datetime
from enum import Enum

from bff import ID, Json, View


class Order(Enum):
    """How books are sorted. Clients see and write the names, so values are equal to them."""

    NEWEST = "NEWEST"
    TITLE = "TITLE"


class BookCard(View):
    """A book in a list."""

    id: ID  # ids are strings, always
    title: str
    published_at: datetime  # `publishedAt` in REST and GraphQL alike, RFC 3339 in UTC
    stars: int | None = None  # filled by a @field, hence the default: it is there only when asked for


class ReaderBadge(View):
    """Who reads."""

    name: str
    borrowed: int | None


class Shelf(View):
    """The example screen: one attribute a section."""

    reader: ReaderBadge  # never null: its section is required
    books: list[BookCard]  # never null: its section has a list to fall back to
    borrowed: list[BookCard] | None  # may be null: its section has fallback=None
    topics: Json | None
