"""The demo's own screens behind a gateway, with no backend there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from starlette.types import Message

from bff import project, settings
from bff.gateway.build import Gateway
from bff.observe.logs import AccessLog
from tests.gateway.kit import Peer, Reply, scope_of

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def demo() -> AsyncIterator[Callable[[str, object], Awaitable[Reply]]]:
    """POSTs JSON to it."""
    found = settings.load(ROOT / "bff.toml")
    gateway = Gateway(found, project.load(found.composers, found.services), access=AccessLog(None))

    async def ask(target: str, body: object) -> Reply:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [("host", "localhost"), ("content-type", "application/json")]
        await gateway.public(scope_of(target, "POST", headers), Peer([orjson.dumps(body)]).receive, send)
        names = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], names, sent[1]["body"])

    try:
        yield ask
    finally:
        await gateway.shutdown()
