"""A product whose answers are as long as the path asks, written as the gateway writes them: for clients that are slow."""

from collections.abc import Mapping
from time import monotonic

from starlette.types import Receive, Scope, Send

from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.gateway.body import ClientGone, read_body
from bff.gateway.request import Request
from bff.gateway.write import write
from tests.server.app import Tiny

MAX_BODY = 1024 * 1024


class Long(Tiny):
    """GET /bytes/N: N bytes. POST: the length of what was sent. /stats says how many clients were given up."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up = 0

    def stats(self) -> Mapping[str, object]:
        return {"given_up": self.given_up}

    async def _public(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, monotonic(), id="r")
        try:
            await write(request, await _answer(request), send, closing=False)
        except ClientGone:
            self.given_up += 1


async def _answer(request: Request) -> Answer:
    if request.method == "POST":
        try:
            return Answer(200, str(len(await read_body(request, MAX_BODY))).encode())
        except Problem as problem:
            return problem.answer(request.id)
    return Answer(200, b"x" * int(request.scope["path"].rpartition("/")[2]))


def make() -> Long:
    return Long()
