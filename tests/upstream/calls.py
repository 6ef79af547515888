"""Calls, and senders that answer as a test says, for the layers of the pipe."""

import asyncio
from collections.abc import Awaitable, Callable

from bff.deadline import Clock, Deadline
from bff.service_settings import ServiceSettings
from bff.upstream.call import Call, Reply


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


async def turns(count: int = 10) -> None:
    """Let everything that waits for nothing come to rest."""
    for _ in range(count):
        await asyncio.sleep(0)
