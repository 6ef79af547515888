"""Calls, and senders that answer as a test says, for the layers of the pipe."""

import asyncio
from collections.abc import Awaitable, Callable

from bff.deadline import Clock, Deadline
from bff.service_settings import ServiceSettings
from bff.upstream.breaker import Breaker
from bff.upstream.call import Call, Reply, Sender
from bff.upstream.retry import Retry
from bff.upstream.stats import ServiceStats


def call(clock: Clock, seconds: float = 0.8) -> Call:
    return Call("shop", "GET", "/products", Deadline.after(seconds, clock))


def settings(**given: object) -> ServiceSettings:
    """A service's settings with these ones given."""
    return ServiceSettings.model_validate({"instances": ["http://127.0.0.1:9"], **given})


class Answers:
    """Answers with what the function gives, and counts the calls."""

    def __init__(self, answer: Callable[[Call], Awaitable[Reply]]) -> None:
        self.answer = answer
        self.sent = 0

    async def send(self, call: Call) -> Reply:
        self.sent += 1
        return await self.answer(call)

    async def close(self) -> None:
        pass


class Held:
    """Its calls stay in flight until the test ends them by the future that stands for them."""

    def __init__(self) -> None:
        self.in_flight: dict[int, asyncio.Future[Reply]] = {}
        self.most = 0
        self.sent = 0

    async def send(self, call: Call) -> Reply:
        self.sent += 1
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.in_flight[id(call)] = answer
        self.most = max(self.most, len(self.in_flight))
        try:
            return await answer
        finally:
            del self.in_flight[id(call)]

    async def close(self) -> None:
        pass


class Counted:
    """What stands below a bulkhead, over any sender: it counts what is in flight, as the balancer does."""

    def __init__(self, inner: Sender, stats: ServiceStats) -> None:
        self.inner, self.stats = inner, stats
        self.freed: Callable[[], None] = lambda: None

    async def send(self, call: Call) -> Reply:
        self.stats.in_flight += 1
        try:
            return await self.inner.send(call)
        finally:
            self.stats.in_flight -= 1
            if self.stats.queued:
                self.freed()

    async def close(self) -> None:
        await self.inner.close()


def under_breaker(retry: Retry, stats: ServiceStats, clock: Clock) -> Breaker:
    """The layer in whose frame a service's retries run, with nothing of its own to say."""
    return Breaker("shop", retry, settings(breaker={"on": False}, skip_hopeless=False), stats, clock=clock)


def begun(layer: Sender, call: Call) -> "asyncio.Task[Reply]":
    """The call in a task of its own, sent as the task begins."""

    async def send() -> Reply:
        return await layer.send(call)

    return asyncio.ensure_future(send())


async def turns(count: int = 10) -> None:
    """Let everything that waits for nothing come to rest."""
    for _ in range(count):
        await asyncio.sleep(0)
