"""What the document says of every answer but the good one: its meaning, its problem's kinds and its headers."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

from bff.faces.openapi_schemas import PREFIX
from bff.faces.problems import KINDS

# What the gateway itself answers, whatever is asked for. An operation adds its own, and may say more of one of these.
# 405 is not among them: an operation that is documented has its method.
_OF_ALL: dict[int, str] = {
    401: "No identity, or a token or key that is not valid.",
    406: "The client does not accept `application/json`.",
    413: "The body is too large, or said to be.",
    414: "The query is too long.",
    421: "The `Host` is none of this gateway's names.",
    422: "An input does not fit; `errors` lists every fault.",
    429: "Asked too often.",
    431: "The headers are too large, or too many. Mostly told by the server itself, without a document.",
}
# Told by the HTTP server, which writes no problem documents.
_BARE = frozenset({HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE})

REQUEST_ID = {"description": "names this request in logs", "schema": {"type": "string"}}
RATE_LIMITS = {
    "RateLimit-Policy": {
        "description": 'the limits that hold here, as a structured field: `"callers";q=300;w=60` is 300 in 60 s',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'what is left of each: `"callers";r=12;t=30` is 12, and all again in 30 s',
        "schema": {"type": "string"},
    },
}
_RETRY_AFTER = {"description": "seconds, when they are known", "schema": {"type": "integer", "minimum": 1}}
_CHALLENGE = {"description": "how to identify (RFC 9110 section 11.6.1)", "schema": {"type": "string"}}


def refusals(own: Mapping[int, str], come_back: Collection[int]) -> dict[int | str, dict[str, Any]]:
    """Every status that is no success, in their order: `own` with what each means, and those of the gateway.

    `come_back` are those of them that may say when.
    """
    return {status: _refusal(status, meaning, status in come_back) for status, meaning in sorted({**_OF_ALL, **own}.items())}


def _refusal(status: int, meaning: str, come_back: bool) -> dict[str, Any]:
    kinds = ", ".join(f"`{kind.type}`" for kind in KINDS.values() if kind.status == status)
    found: dict[str, Any] = {"description": f"{HTTPStatus(status).phrase}. {meaning} Type {kinds}."}
    if status in _BARE:
        return found
    headers: dict[str, Any] = {"X-Request-Id": REQUEST_ID}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _CHALLENGE
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        headers |= {"Retry-After": _RETRY_AFTER | {"description": "seconds"}, **RATE_LIMITS}
    elif come_back:
        headers["Retry-After"] = _RETRY_AFTER
    found["content"] = {"application/problem+json": {"schema": {"$ref": PREFIX + "Problem"}}}
    found["headers"] = headers
    return found
