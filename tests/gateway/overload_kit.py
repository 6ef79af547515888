"""A gateway whose screens take 100 ms by hand-run time, one of each priority: capacity is places / 0.1 s."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import orjson
from starlette.types import Message

from bff import App, Client, Screen, View, needs, section
from bff.composition.build import plan_of
from bff.faces.screen import ServedScreen
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.pressure import Pressure
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.shed import Gate
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.priority import PRIORITIES, Priority
from bff.settings import LimitSettings, ShedSettings
from bff.testing import ManualClock
from tests.gateway.kit import Peer, Reply, scope_of
from tests.identity.tokens import Documents, Time, verifier

SHOP = App("shop")
TAKES = 0.1


class Words(Client, service="words"):
    async def read(self) -> str:
        return await self.get("/", str)


class Extras(Client, service="extras"):
    async def read(self) -> str:
        return await self.get("/", str)


class SlowWords(Words):
    """A backend that serves so many at a time, each in 100 ms; the others queue, as at a real one."""

    def __init__(self, clock: ManualClock, at_once: int) -> None:
        super().__init__()
        self._clock = clock
        self._room = asyncio.Semaphore(at_once)

    async def read(self) -> str:
        async with self._room:
            await self._clock.sleep(TAKES)
        return "a word"


class QuickExtras(Extras):
    async def read(self) -> str:
        return "an extra"


class Page(View):
    head: str
    extra: str


@section()
async def head(words: Words) -> str:
    return await words.read()


@section(fallback=str)
async def extra(extras: Extras) -> str:
    return await extras.read()


@dataclass(slots=True)
class Asked:
    """How one request went: by the clock's seconds."""

    priority: Priority
    began: float
    took: float
    reply: Reply


class Shop:
    """Screens at /shop/v1/critical ... /shop/v1/low, all for guests."""

    def __init__(self, clock: ManualClock, settings: ShedSettings) -> None:
        self.clock = clock
        self.pressure = Pressure(settings, clock=clock)
        self.gate = Gate(self.pressure, Random(7))
        self.keys = Documents()
        self.asked: list[Asked] = []
        fakes: dict[type[Client], Client] = {Words: SlowWords(clock, settings.max_in_flight), Extras: QuickExtras()}
        endpoints = [
            ScreenEndpoint(SHOP, ServedScreen(plan_of(screen), lambda _: fakes.__getitem__, clock, self.pressure))
            for screen in screens()
        ]
        limits = LimitSettings()
        self.stack = Stack(
            Routes(endpoints), Guard(limits), Identities(verifier(self.keys, Time())), AccessLog(None), gate=self.gate
        )

    async def ask(self, priority: Priority, headers: dict[str, str] | None = None, peer: Peer | None = None) -> Reply:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        began = self.clock.now()
        more = {"host": "shop.example", **(headers or {})}.items()
        await self.stack(scope_of(f"/shop/v1/{priority}", "GET", more), (peer or Peer()).receive, send)
        start, *rest = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        reply = Reply(start["status"], names, b"".join(message["body"] for message in rest))
        self.asked.append(Asked(priority, began, self.clock.now() - began, reply))
        return reply

    def statuses(self, priority: Priority) -> Counter[int]:
        return Counter(one.reply.status for one in self.asked if one.priority == priority)


def screens() -> Iterator[Screen]:
    for priority in PRIORITIES:
        page = Page(needs(head), needs(extra))
        yield Screen(f"/{priority}", page, apps=(SHOP,), guests=True, priority=priority, name=priority)


def verdict_of_extra(reply: Reply) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(reply.body)["meta"]["sections"].get("extra", {})
    return found
