"""Every act on the admin listener leaves an audit line: who from where, what, when, with what result (O1)."""

from time import monotonic

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bff.observe.logs import AccessLog
from bff.observe.stamp import Stamp

# What only looks; anything else may change something.
_LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})
# Set by the supervisor, whose listener it is: behind it stands a private socket that has no addresses.
ADDRESS = b"x-admin-address"


class Audited:
    """An admin app whose acts are logged. Never a query, a header or a body."""

    def __init__(self, app: ASGIApp, access: AccessLog) -> None:
        self._app = app
        self._access = access
        self._stamp = Stamp()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _LOOKS or not self._access.on:
            await self._app(scope, receive, send)
            return
        status = 0  # none was sent: it broke

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = monotonic()
        try:
            await self._app(scope, receive, noting)
        finally:
            address = next((value for name, value in scope["headers"] if name == ADDRESS), b"")
            line = {
                "time": self._stamp(),
                "audit": "admin",
                "address": address.decode("latin-1") or None,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round((monotonic() - started) * 1000, 2),
            }
            self._access.line(orjson.dumps(line).decode())
