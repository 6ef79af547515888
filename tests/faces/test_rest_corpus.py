"""The same requests through FastAPI and past it: status, headers and body are equal to the byte (design.md section 6.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bff.errors import BackendBusy, BackendError, BackendInvalid, BackendTimeout, BackendUnreachable, Missing
from tests.faces.rest_gateway import DISPATCHED, THROUGH_FASTAPI, MakeEndpoint, Reply, call, request_scope, stack, token

HOME, ORDER, SEARCH, STAFF = "/shop/v1/home", "/shop/v1/orders", "/shop/v1/search", "/shop/v1/staff"
UUID_TEXT = "6f1c2d3e-0000-4000-8000-000000000001"
BUSY: BackendError = BackendBusy("orders", retry_after=3.0)


@dataclass(frozen=True)
class Case:
    """One request and the status that it must have in both; `broken` are services that fail."""

    status: int
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    broken: Mapping[str, BaseException] = field(default_factory=dict)
    identified: bool = True


def home(status: int, query: str = "", **services: BaseException) -> Case:
    return Case(status, HOME + query, broken=services)


def order(status: int, rest: str, **headers: str) -> Case:
    return Case(status, f"{ORDER}/{rest}", {name.replace("_", "-"): value for name, value in headers.items()})


def search(status: int, query: str) -> Case:
    return Case(status, f"{SEARCH}?{query}")


VALID = {
    "home": home(200),
    "home in parts": home(200, "?sections=viewer,picks"),
    "home in smaller parts": home(200, "?fields=picks.sku,lastOrders.total"),
    "sections and fields": home(200, "?sections=lastOrders,viewer&fields=lastOrders.orderId"),
    "sections in two parameters": home(200, "?sections=viewer&sections=title"),
    "sections with spaces": home(200, "?sections=viewer,%20title,"),
    "a nested part": home(200, "?fields=picks.similar.sku"),
    "an order": order(200, "7"),
    "an encoded order": order(200, "a%20b%C3%A9"),
    "a plus is a plus in a path": order(200, "a+b"),
    "a plain search": search(200, "text=ink"),
    "everything": search(
        200,
        "text=blue+ink&tags=a&tags=b&sizes=1&sizes=2&pageSize=50&sort=NAME&exact=true&since=2026-11-23T10:00:00Z"
        f"&day=2026-11-23&near={UUID_TEXT}&ratio=0.5",
    ),
    "a value encoded": search(200, "text=%E2%82%AC%26%3D"),
    "an empty tag": search(200, "text=a&tags="),
    "one of a list": search(200, "text=a&sizes=3"),
    "a bool by a word": search(200, "text=a&exact=yes"),
    "a whole number as a ratio": search(200, "text=a&ratio=2"),
    "a number with a sign": search(200, "text=a&pageSize=%2B7"),
    "a number with a dot": search(200, "text=a&pageSize=7.0"),
    "no number": search(422, "text=a&ratio=nan"),
    "a moment as seconds": search(200, "text=a&since=1700000000"),
    "a uuid without hyphens": search(200, f"text=a&near={UUID_TEXT.replace('-', '')}"),
}
BAD = {
    "text missing": search(422, "tags=a"),
    "text empty": search(422, "text="),
    "no query at all": Case(422, SEARCH),
    "not a number": search(422, "text=a&pageSize=many"),
    "an empty number": search(422, "text=a&pageSize="),
    "a number too small": search(422, "text=a&pageSize=0"),
    "a number too large": search(422, "text=a&pageSize=51"),
    "not a choice": search(422, "text=a&sort=size"),
    "a choice by the wrong name": search(422, "text=a&sort=price"),
    "not a bool": search(422, "text=a&exact=perhaps"),
    "not a moment": search(422, "text=a&since=yesterday"),
    "not a day": search(422, "text=a&day=2026-13-01"),
    "not a uuid": search(422, "text=a&near=7"),
    "not a ratio": search(422, "text=a&ratio=half"),
    "too many tags": search(422, "text=a&tags=1&tags=2&tags=3&tags=4"),
    "a bad size": search(422, "text=a&sizes=1&sizes=x"),
    "a size too small": search(422, "text=a&sizes=0"),
    "four faults at once": search(422, "pageSize=x&sort=y&near=z"),
    "unknown parameter": search(422, "text=a&colour=red"),
    "unknown and bad": search(422, "text=a&colour=red&pageSize=x"),
    "snake case": search(422, "text=a&page_size=3"),
    "twice": search(422, "text=a&text=b"),
    "twice, and bad": search(422, "text=a&pageSize=x&pageSize=3"),
    "the path's name in the query": order(422, "7?orderId=8"),
    "a path value too long": order(422, "1234567890123"),
    "sections empty": home(422, "?sections="),
    "a part of a backend's own JSON": search(422, "text=a&fields=found.raw.any"),
    "unknown section": home(422, "?sections=viewer,weather"),
    "a section with a dot": home(422, "?sections=viewer.name"),
    "unknown field": home(422, "?fields=viewer.age"),
    "a field of a leaf": home(422, "?fields=viewer.name.first"),
    "a field outside the sections": home(422, "?sections=viewer&fields=picks.sku"),
    "too many fields": home(422, "?fields=" + ",".join(["viewer.name"] * 201)),
    "bytes that are no text": search(400, "text=%FF"),
    "bytes that are no text, and a fault": search(400, "pageSize=x&text=%FF"),
    "too many parameters": search(400, "text=a&" + "&".join(["tags=a"] * 100)),
    "a path that is no text": order(400, "%FF"),
    "a path in two readings": order(400, "a%2Fb"),
}
HEADERS = {
    "time": order(200, "7", Request_Timeout="500"),
    "time with zeros": order(200, "7", Request_Timeout="000000500"),
    "no time": order(400, "7", Request_Timeout="0"),
    "only zeros": order(400, "7", Request_Timeout="000000000"),
    "negative time": order(400, "7", Request_Timeout="-5"),
    "signed time": order(400, "7", Request_Timeout="+5"),
    "time with a unit": order(400, "7", Request_Timeout="5s"),
    "time with underscores": order(400, "7", Request_Timeout="1_000"),
    "time in other digits": order(400, "7", Request_Timeout="\u00b2"),
    "more time than there is": order(400, "7", Request_Timeout="1234567890"),
    "an empty time": order(400, "7", Request_Timeout=""),
    "bad time and a bad input": Case(422, f"{SEARCH}?pageSize=x", {"request-timeout": "x"}),
    "any type": order(200, "7", Accept="*/*"),
    "json": order(200, "7", Accept="application/json;q=0.5, text/html"),
    "html": order(406, "7", Accept="text/html"),
    "json not": order(406, "7", Accept="application/json;q=0"),
    "html before a bad input": Case(406, f"{SEARCH}?pageSize=x", {"accept": "text/html"}),
}
ROUTING = {
    "head": Case(200, HOME, method="HEAD"),
    "head, bad": Case(422, SEARCH, method="HEAD"),
    "head, failed": Case(504, f"{ORDER}/late", method="HEAD"),
    "post": Case(405, HOME, method="POST"),
    "options": Case(405, f"{ORDER}/7", method="OPTIONS"),
    "nowhere": Case(404, "/shop/v1/nowhere"),
    "an empty path value": Case(404, f"{ORDER}/"),
    "a slash too many": Case(404, f"{HOME}/"),
    "a guest where guests may not be": Case(401, HOME, identified=False),
    "a guest where guests may be": Case(200, f"{ORDER}/7", identified=False),
    "a bad token where guests may be": Case(401, f"{ORDER}/7", {"authorization": "Bearer x.y.z"}, identified=False),
    "a caller without the scope": Case(403, STAFF),
}
FAILED = {
    "too late": order(504, "late"),
    "not reachable": order(503, "gone"),
    "a wrong status": order(502, "teapot"),
    "down for a while": order(502, "down"),
    "missing": order(404, "missing"),
    "not what was promised": order(502, "odd"),
    "busy": order(503, "busy"),
    "a missing scope": order(403, "secret"),
    "a bug": order(500, "bug"),
    "the viewer is late": home(504, users=BackendTimeout("users")),
    "a constant stands in": home(200, orders=BUSY),
    "a backend stands in": home(200, catalog=BackendUnreachable("catalog")),
    "fields are missing": home(200, ratings=BackendInvalid("ratings", "odd")),
    "all that can fail": home(200, orders=BUSY, catalog=Missing("catalog"), ratings=BUSY),
    "what failed was not asked for": home(200, "?sections=title", users=BackendTimeout("users")),
}
CORPUS = {**VALID, **BAD, **HEADERS, **ROUTING, **FAILED}


async def ask(case: Case, through: MakeEndpoint) -> Reply:
    headers = {"authorization": f"Bearer {token()}", **case.headers} if case.identified else case.headers
    gateway = stack(through, case.broken)
    return await call(gateway, request_scope(case.target, case.method, headers))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
async def test_fastapi_and_the_dispatcher_answer_alike(case: Case) -> None:
    dispatched = await ask(case, DISPATCHED)
    assert dispatched[0] == case.status, dispatched[2]
    assert await ask(case, THROUGH_FASTAPI) == dispatched
