"""The screens of one operation: who may see them, that they run at once, share one scope and end together."""

import asyncio

import pytest

from bff import Caller, Screen, batched, needs, section
from bff.composition.build import plan_of
from bff.composition.engine import ClientOf
from bff.faces.screen import ServedScreen
from bff.upstream.client import Client
from bff.upstream.scope import RequestScope
from tests.faces.graphql_kit import APP, FakeWords, Page, ask, page, schema, served


async def test_guests_get_only_the_screens_that_are_for_guests() -> None:
    fake = FakeWords()
    app = schema(served(page("/mine", guests=False), fake), served(page("/open")))
    answer = await ask(app, "{ mine { head } open { head } }")
    assert answer["data"] == {"mine": None, "open": {"head": "head"}}
    assert [error["extensions"]["type"] for error in answer["errors"]] == ["/problems/unauthenticated"]
    assert answer["extensions"] == {"complete": False, "sections": {}}
    assert fake.asked == []
    assert (await ask(app, "{ mine { head } }", caller=Caller(id="7")))["data"] == {"mine": {"head": "head"}}


async def test_a_screen_is_forbidden_to_a_caller_without_its_scopes() -> None:
    fake = FakeWords()
    app = schema(served(page("/mine", guests=False, scopes=("mine:read",)), fake))
    answer = await ask(app, "{ mine { head } }", caller=Caller(id="7"))
    assert answer["data"] == {"mine": None}
    (error,) = answer["errors"]
    assert error["extensions"]["type"] == "/problems/forbidden"
    assert error["extensions"]["detail"] == "needs scope mine:read"
    assert fake.asked == []
    caller = Caller(id="7", scopes=frozenset({"mine:read"}))
    assert (await ask(app, "{ mine { head } }", caller=caller))["data"] == {"mine": {"head": "head"}}


async def test_the_screens_of_an_operation_run_at_once() -> None:
    together = asyncio.Barrier(3)

    class Waiting(FakeWords):
        async def say(self, what: str) -> str:
            await together.wait()  # passes only when all three are here
            return await super().say(what)

    app = schema(served(page("/a"), Waiting()), served(page("/b"), Waiting()))
    answer = await asyncio.wait_for(ask(app, "{ a { head } b { head } c: a { head } }"), 2)
    assert answer["data"] == {"a": {"head": "head"}, "b": {"head": "head"}, "c": {"head": "head"}}


async def test_the_screens_of_an_operation_share_their_loaders() -> None:
    class Names(Client, service="names"):
        @batched()
        async def name(self, keys: list[str]) -> dict[str, str]:
            raise NotImplementedError

    class FakeNames(Names):
        asked: list[list[str]]

        @batched()
        async def name(self, keys: list[str]) -> dict[str, str]:
            self.asked.append(keys)
            return {key: key.upper() for key in keys}

    @section()
    async def head(names: Names) -> str:
        return await names.name("ada")

    asked: list[list[str]] = []

    def clients(scope: RequestScope) -> ClientOf:
        fake = FakeNames(scope=scope)
        fake.asked = asked
        return lambda _: fake

    screens = [
        ServedScreen(plan_of(Screen(path, Page(head=needs(head)), apps=(APP,), guests=True)), clients) for path in ("/a", "/b")
    ]
    answer = await ask(schema(*screens), "{ a { head } b { head } again: a { head } }")
    assert answer["data"] == {"a": {"head": "ADA"}, "b": {"head": "ADA"}, "again": {"head": "ADA"}}
    assert asked == [["ada"]]


async def test_work_ends_with_the_request() -> None:
    started = asyncio.Event()
    cancelled: list[str] = []

    class Hanging(FakeWords):
        async def say(self, what: str) -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(what)
                raise
            return what

    app = schema(served(page("/a"), Hanging()), served(page("/b"), Hanging()))
    asking = asyncio.create_task(ask(app, "{ a { head body } b { head } }"))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert sorted(cancelled) == ["body", "head", "head"]
