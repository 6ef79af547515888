"""The product as an attacker meets it, and what must hold for every refusal."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from tests.product.world import PATIENCE, World

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

# Signs of our inside in an answer: a traceback, a file of ours, a library's name.
_INSIDE = re.compile(rb"Traceback|File \"|\.py\b|site-packages|/work/|pydantic|msgspec|redis\.exceptions|<class '")
# What fake secrets of the tests look like, so that one scan finds them all.
CANARY = "canary-7f3a"


class Door:
    """A running product from outside: its public port, its log, and what its backends saw."""

    def __init__(self, product: World) -> None:
        self.product = product
        url = httpx.URL(product.public)
        self.host, self.port = str(url.host), int(url.port or 80)

    async def ask(
        self, method: str, path: str, *, headers: Headers = (), content: bytes | str | None = None, token: str | None = None
    ) -> httpx.Response:
        """One request; as a guest unless a token is given. The path goes out as it is written."""
        own = [("authorization", f"Bearer {token}")] if token is not None else []
        more = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        url = httpx.URL(self.product.public, raw_path=path.encode())
        return await self.product.http.request(method, url, headers=[*own, *more], content=content)

    async def raw(self, sent: bytes, patience: float = 5.0) -> bytes:
        """Everything that comes back for these bytes until the server closes or resets; TimeoutError when it never does."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        found = b""
        try:
            writer.write(sent)
            async with asyncio.timeout(patience):
                with suppress(ConnectionError):
                    while part := await reader.read(65536):
                        found += part
                return found
        finally:
            writer.close()

    @property
    def reached(self) -> int:
        """How often any backend was called since the last reset; fetching an issuer's keys is no call."""
        return sum(self.product.calls().values())

    async def lines(self, request_id: str) -> list[dict[str, Any]]:
        """The access lines of a request, once there is one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [json.loads(line) for line in self.product.lines if f'"{request_id}"' in line and line.startswith("{")]
                if found:
                    return found
                await asyncio.sleep(0.02)

    async def refused(self, answer: httpx.Response, status: int, kind: str, *, calls: int = 0) -> dict[str, Any]:
        """Hold an answer against what every refusal must be; its access line.

        The stated status and problem document, not a word of our inside, `calls` calls to backends, and one line in the
        access log that says that it was a refusal, without a canary.
        """
        assert (answer.status_code, answer.headers.get("content-type")) == (status, "application/problem+json"), answer.text
        assert answer.json()["type"].removeprefix("/problems/") == kind
        clean(answer.content)
        clean(str(answer.headers).encode())
        assert self.reached == calls
        lines = await self.lines(answer.headers["x-request-id"])
        assert len(lines) == 1
        (line,) = lines
        assert (line["status"], line["audit"], line["problem"]) == (status, "refusal", kind)
        assert CANARY not in json.dumps(line)
        return line


def clean(content: bytes) -> None:
    """No stack trace, no file and no library of ours is in what a client gets."""
    found = _INSIDE.search(content)
    assert found is None, content[max(0, found.start() - 100) : found.end() + 100]
