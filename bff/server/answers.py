"""Small whole answers for the admin faces."""

import orjson
from starlette.types import Send

Headers = list[tuple[bytes, bytes]]

# Prometheus' text format, as every version of it reads it.
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """One answer in one piece."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: object) -> None:
    """`value` as JSON that nobody may keep: it is true only now."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await answer(send, status, headers, orjson.dumps(value))
