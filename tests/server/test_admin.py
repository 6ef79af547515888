"""The admin port's own answers, over workers that are told what to say."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from starlette.types import Message

from bff.server.admin import Admin
from bff.server.peer import Page, PeerError


@dataclass
class Saying:
    """A worker's face: each page when it is let go, an error when there is none left."""

    counts: list[int]
    asked: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, path: str) -> Page:
        self.asked += 1
        if not self.counts:
            raise PeerError("gone")
        count = self.counts.pop(0)
        if self.asked == 1:
            await self.go_on.wait()
        return Page(200, [], b"# HELP a_total Counted\n# TYPE a_total counter\na_total %d\n" % count)


async def scraped(admin: Admin) -> float:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("a scrape has no body")

    await admin({"type": "http", "method": "GET", "path": "/metrics", "headers": []}, receive, send)
    return float(sent[-1]["body"].split()[-1])


async def test_two_scrapes_at_once_let_no_count_go_back() -> None:
    worker: Any = SimpleNamespace(pid=1, state="ready", private="worker-1")
    fleet: Any = SimpleNamespace(workers=[worker], stopping=False)
    saying = Saying([5, 6])
    admin = Admin(fleet, 1)
    admin._peers[1] = saying  # type: ignore[assignment]  # all that is asked of a peer
    first, second = asyncio.create_task(scraped(admin)), asyncio.create_task(scraped(admin))
    for _ in range(10):  # turns enough for both to ask, if both may
        await asyncio.sleep(0)
    saying.go_on.set()
    assert [await first, await second] == [5, 6]
    assert await scraped(admin) == 6  # it does not answer: as it was


async def test_an_act_whose_body_breaks_off_reaches_no_worker() -> None:
    worker: Any = SimpleNamespace(pid=1, state="ready", private="worker-1")
    fleet: Any = SimpleNamespace(workers=[worker], stopping=False)
    coming: list[Message] = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    admin = Admin(fleet, 1)
    admin._peers[1] = Saying([])  # type: ignore[assignment]  # it has no `forward`: whoever calls it fails
    scope = {"type": "http", "method": "POST", "path": "/a", "raw_path": b"/a", "query_string": b"", "headers": []}
    await admin(scope, receive, send)
    assert sent[0]["status"] == 413
