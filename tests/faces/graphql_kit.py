"""A small app for the tests of the GraphQL face: screens with fakes behind them, and a way to ask."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import strawberry

from bff import App, BackendTimeout, Caller, Client, Field, Screen, field, needs, section
from bff.caller import GUEST
from bff.composition.build import plan_of
from bff.composition.render import to_json
from bff.deadline import LOOP_CLOCK, Clock
from bff.faces.graphql import AppSchema, Asked, build_schema
from bff.faces.screen import Raw, ServedScreen
from bff.upstream.scope import RequestScope

APP = App("mobile")
REQUEST_ID = "r-1"


class Words(Client, service="words"):
    """A backend that says a word."""

    async def say(self, what: str) -> str:
        return await self.get("/{what}", str, what=what)


class FakeWords(Words):
    """Says the word back and notes it; a way that is an error is raised instead."""

    def __init__(self, **ways: Exception) -> None:
        super().__init__()
        self.ways = ways
        self.asked: list[str] = []

    async def say(self, what: str) -> str:
        self.asked.append(what)
        if what in self.ways:
            raise self.ways[what]
        return what


@strawberry.type
class Card:
    name: str
    rating: str | None = None


@strawberry.type
class Page:
    """A page."""

    head: str
    body: str | None = None
    cards: list[Card] | None = None


def page(
    path: str, *, head_fails: bool = False, guests: bool = True, scopes: tuple[str, ...] = (), name: str | None = None
) -> Screen:
    """A screen of three sections: `head` is required, `body` and `cards` are not."""

    @section()
    async def head(words: Words) -> str:
        return await words.say("head")

    @section(fallback=None)
    async def body(words: Words) -> str:
        return await words.say("body")

    @section(fallback=None)
    async def cards(words: Words) -> list[Card]:
        return [Card(name=await words.say("cards"))]

    template = Page(head=needs(head), body=needs(body), cards=needs(cards))
    return Screen(path, template, apps=(APP,), guests=guests, scopes=scopes, name=name)


@field(Card)
async def rating(cards: list[Card], words: Words) -> list[str]:
    return [await words.say("rating") for _ in cards]


TIMEOUT = BackendTimeout("words", "too slow")


def served(
    screen: Screen, fake: Words | None = None, *, fields: Iterable[Field] = (), clock: Clock = LOOP_CLOCK
) -> ServedScreen:
    words = fake or FakeWords()
    return ServedScreen(plan_of(screen, fields), lambda _: lambda _: words, clock)


def schema(*screens: ServedScreen, introspection: bool = False) -> AppSchema:
    return build_schema(APP, screens, introspection=introspection)


async def ask(
    app: AppSchema, query: str, variables: Mapping[str, object] | None = None, *, caller: Caller = GUEST
) -> dict[str, Any]:
    """The response map as the client reads it."""
    raw = Raw(caller=caller, scope=RequestScope())
    answered = await app.answer(Asked(query, variables or {}), raw, REQUEST_ID)
    found: dict[str, Any] = orjson.loads(to_json(answered.body))
    return found
