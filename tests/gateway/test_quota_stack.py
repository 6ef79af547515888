"""Limits where they stand in the gateway: on refusals of other stages too, and before anything is done."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Message

from bff.caller import Caller
from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.quota import Quota
from bff.gateway.request import Request
from bff.gateway.stack import Stack
from bff.limit_settings import RateLimitSettings
from bff.observe.logs import AccessLog
from bff.settings import LimitSettings
from bff.testing import ManualClock
from tests.gateway.kit import Peer, scope_of
from tests.gateway.quota_kit import Place


@dataclass
class Counting(Place):
    """Counts what reaches it."""

    answered: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Answer:
        self.answered.append(request.caller.id or "")
        return Answer(200, b"{}")


class Named(Identities):
    """Believes whoever gives a name, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def identify(self, request: Request) -> None:
        self.asked += 1
        name = request.header(b"authorization")
        if name == "bad":
            raise Problem("unauthenticated")
        request.caller = Caller(id=name)


class Shop:
    def __init__(self, **limits: RateLimitSettings) -> None:
        self.place, self.identities, self._written = Counting(), Named(), list[bytes]()
        self._access = AccessLog(self._written.append)
        quota = Quota(None, limits, [self.place], clock=ManualClock())
        guard = Guard(LimitSettings())
        self._stack = Stack(Routes([self.place]), guard, self.identities, self._access, quota=quota)

    async def ask(self, name: str) -> tuple[int, dict[str, str]]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = scope_of(self.place.template, "GET", [("host", "shop.example"), ("authorization", name)])
        await self._stack(scope, Peer().receive, send)
        headers = [(told.decode(), value.decode()) for told, value in sent[0]["headers"]]
        assert len({told for told, _ in headers}) == len(headers)
        return sent[0]["status"], dict(headers)

    @property
    def line(self) -> dict[str, Any]:  # Any: JSON of any shape
        self._access.flush()
        return dict(orjson.loads(self._written[-1].splitlines()[-1]))


async def test_a_refused_request_reaches_nothing_and_is_told_and_logged_why() -> None:
    shop = Shop(users=RateLimitSettings(limit=2))
    assert [(await shop.ask("ada"))[0] for _ in range(4)] == [200, 200, 429, 429]
    assert shop.place.answered == ["ada", "ada"]
    status, headers = await shop.ask("ada")
    assert (status, headers["retry-after"], headers["ratelimit"]) == (429, "60", '"users";r=0;t=60')
    assert headers["ratelimit-policy"] == '"users";q=2;w=60'
    assert shop.line["status"] == 429
    assert (await shop.ask("bob"))[1]["ratelimit"] == '"users";r=1;t=60'


async def test_who_guesses_tokens_is_stopped_at_the_door_and_told_on_every_answer() -> None:
    shop = Shop(addresses=RateLimitSettings(by=["address"], limit=3), users=RateLimitSettings(limit=100))
    replies = [await shop.ask("bad") for _ in range(10)]
    assert [status for status, _ in replies] == [401] * 3 + [429] * 7
    assert shop.identities.asked == 3
    assert [headers["ratelimit"] for _, headers in replies[:4]] == [f'"addresses";r={left};t=60' for left in (2, 1, 0, 0)]
    assert shop.place.answered == []
