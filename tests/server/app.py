"""A product as small as one can be, for the tests of bff/server: `bff serve` calls `make` in its workers."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path

from starlette.types import Receive, Scope, Send

from bff.errors import Refusal


class Tiny:
    """Answers at once, slowly, or tells a file when its client has gone, as the path asks."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.draining = False
        self.started = False

    async def startup(self) -> None:
        self.started = True

    async def shutdown(self) -> None:
        _note("shutdown")

    def drain(self) -> None:
        self.draining = True

    def stats(self) -> Mapping[str, object]:
        return {"draining": self.draining}

    async def public(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.in_flight += 1
        try:
            await self._public(scope, receive, send)
        finally:
            self.in_flight -= 1

    async def _public(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith("/slow/"):
            await asyncio.sleep(float(path.rpartition("/")[2]))
        elif path.startswith("/later/"):
            self.later = asyncio.create_task(self._later(float(path.rpartition("/")[2])))
        elif path == "/hang":
            await _until_gone(receive)
            return
        elif path == "/crash":
            os._exit(7)
        await _answer(send, 200, f"{os.getpid()} {path}".encode())

    async def _later(self, seconds: float) -> None:
        """A write that goes on though its client has gone."""
        self.in_flight += 1
        await asyncio.sleep(seconds)
        _note("written")
        self.in_flight -= 1

    async def admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if scope["path"] == "/missing":
            await _answer(send, 404, b"no such page")
            return
        query = scope["query_string"].decode()
        told = f"{scope['method']} {scope['raw_path'].decode()} {query} {message.get('body', b'').decode()}"
        await _answer(send, 200, told.encode())


async def _until_gone(receive: Receive) -> None:
    """Tell TINY_NOTES once the request is read, and again with the time once its client has gone."""
    while (await receive()).get("more_body"):
        pass
    _note("waiting")
    message = await receive()
    _note(f"{message['type']} {time.monotonic()}")


def _note(text: str) -> None:
    """One line into the file (a fifo, in the tests) that TINY_NOTES names."""
    if notes := os.environ.get("TINY_NOTES"):
        with Path(notes).open("a") as out:
            out.write(text + "\n")


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


def make() -> Tiny:
    return Tiny()


def make_for(apps: tuple[str, ...]) -> Tiny:
    if "mobile" not in apps:
        raise Refusal([f"there is no app {app}" for app in apps])
    return Tiny()


def refuse() -> Tiny:
    raise Refusal(["composers/home.py: section `picks` needs a fallback", "clients/users.py: no base address"])


def break_() -> Tiny:
    raise ValueError("a bug in the factory")


def make_unless_told() -> Tiny:
    """Refuses as soon as the file TINY_REFUSE exists: a reload that must be given up."""
    if Path(os.environ["TINY_REFUSE"]).exists():
        raise Refusal(["bff.toml: timeout is negative"])
    return Tiny()


class Hanging(Tiny):
    """Never gets ready."""

    async def startup(self) -> None:
        await asyncio.Event().wait()


def make_hanging() -> Tiny:
    return Hanging()
