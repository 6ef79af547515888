"""The access line: an allow-list, whole JSON whatever is in it, and an audit line for each refusal and each admin act."""

import json
import os
from contextlib import suppress
from time import monotonic
from typing import Any

import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

from bff.caller import Caller
from bff.composition.outcome import Outcome
from bff.gateway.access_line import MOST_NAMED, access_line
from bff.gateway.audit import Audited
from bff.gateway.request import Request
from bff.observe.logs import AccessLog
from bff.observe.records import EndpointRecord
from bff.observe.sink import AT_ONCE, BackgroundWriter
from bff.upstream.call import Attempt, Trace
from bff.upstream.scope import CallRecord
from tests.gateway.kit import Peer, bearer, gateway

ODD = ['"}\n{"a":1', "\r\nSet-Cookie: a", "\x1b[31mred\x1b[0m", "\u2028", "\\", "\x00", "ü", "\ud800", "</script>"]


def request(**changes: object) -> Request:
    made = Request({"type": "http", "client": ("192.0.2.7", 5)}, Peer().receive, 0.0, id="r-1")
    made.work.trace = Trace("a" * 32)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def line(made: Request, status: int = 200) -> dict[str, Any]:  # Any: JSON of any shape
    record = EndpointRecord("web", "/web/v1/home", "GET")
    text = access_line(made, record, "2026-01-01T00:00:00.000Z", status, 5, 0.012345)
    assert text.isprintable() or not text.isascii()
    assert "\n" not in text
    assert "\x1b" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_field_of_a_plain_request() -> None:
    assert line(request(caller=Caller("7"))) == {
        "time": "2026-01-01T00:00:00.000Z",
        "requestId": "r-1",
        "traceId": "a" * 32,
        "user": "7",
        "address": "192.0.2.7",
        "app": "web",
        "method": "GET",
        "path": "/web/v1/home",
        "status": 200,
        "ms": 12.35,
        "bytes": 5,
        "calls": 0,
    }


@pytest.mark.parametrize("odd", ODD)
def test_no_word_of_a_caller_or_backend_breaks_out_of_its_line(odd: str) -> None:
    """S148: also half a surrogate pair in a verified subject, which is no UTF-8."""
    safe = odd if odd != "\ud800" else "x"  # the words of sections are ours, those of tokens are not
    made = request(
        caller=Caller(odd),
        outcomes={"picks": Outcome("fallback", safe, safe)},
        refused=odd,
        problem="forbidden",
    )
    made.work.records = [CallRecord(safe, "GET", "/", 0.0, "", [Attempt(safe, "first", 0.0)])]
    found = line(made, 403)
    assert (found["user"], found["refused"], found["sections"]["picks"]["reason"]) == (odd, odd, safe)
    assert found["to"] == [f"{safe}@{safe}"]


def test_it_names_whom_it_called_once_and_counts_what_was_sent_again() -> None:
    made = request()
    made.work.records = [
        CallRecord("users", "GET", "/", 0.0, "", [Attempt("10.0.0.1:80", "first", 0.0)]),
        CallRecord("users", "GET", "/", 0.0, "", [Attempt("10.0.0.1:80", "first", 0.0), Attempt("10.0.0.2:80", "retry", 0.0)]),
        CallRecord("orders", "GET", "/", 0.0, "", []),  # its breaker was open: nobody was called
    ]
    found = line(made)
    assert (found["calls"], found["extraAttempts"]) == (3, 1)
    assert found["to"] == ["users@10.0.0.1:80", "users@10.0.0.2:80", "orders"]


def test_a_request_of_very_many_parts_still_has_a_line_that_a_pipe_takes_in_one_piece() -> None:
    made = request(outcomes={f"alias{n}.section": Outcome("fallback", "timeout", "users") for n in range(1_000)})
    made.work.records = [
        CallRecord("users", "GET", "/", 0.0, "", [Attempt(f"10.0.{n}.1:80", "first", 0.0)]) for n in range(1_000)
    ]
    found = line(made)
    assert len(found["to"]) == len(found["sections"]) == MOST_NAMED + 1
    assert (found["to"][-1], found["sections"]["more"]) == (f"{1_000 - MOST_NAMED} more", {"count": 1_000 - MOST_NAMED})
    assert len(orjson.dumps(found)) < AT_ONCE


async def test_a_refusal_is_an_audit_line_with_its_problem() -> None:
    async with gateway() as kit:
        await kit.ask("/shop/v1/staff", headers=bearer())
        assert (kit.line["audit"], kit.line["problem"], kit.line["refused"]) == ("refusal", "forbidden", "scope")
        await kit.ask("/shop/v1/nowhere")
        assert (kit.line["audit"], kit.line["problem"]) == ("refusal", "not-found")
        await kit.ask("/shop/v1/open")
        assert "audit" not in kit.line


async def p99(access: AccessLog, requests: int = 1_000, rounds: int = 3) -> float:
    """Of the quietest round, for the machine may be busy: what a log costs, it costs in all of them."""
    found: list[float] = []
    async with gateway(access=access) as kit:
        for _ in range(rounds):
            took: list[float] = []
            for _ in range(requests):
                began = monotonic()
                assert (await kit.ask("/shop/v1/nowhere")).status == 404
                took.append(monotonic() - began)
            access.flush()
            found.append(sorted(took)[requests * 99 // 100])
    return min(found)


async def test_a_log_that_nobody_reads_slows_no_request() -> None:
    """F49: a pipe holds 64 KB, these lines are fifteen times that."""
    reading, writing = os.pipe()
    hung = BackgroundWriter(writing)
    with_hung = await p99(AccessLog.to(hung))
    assert not hung.drain(0)  # it does hang
    assert with_hung < await p99(AccessLog(lambda _: None)) + 0.001
    os.set_blocking(reading, False)
    while not hung.drain(0.01):
        with suppress(BlockingIOError):
            os.read(reading, 1 << 20)
    os.close(reading)
    os.close(writing)


async def admin(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def acted(method: str, log: AccessLog) -> None:
    async def send(message: Message) -> None:
        assert message["type"].startswith("http.response")

    headers = [(b"x-admin-address", b"192.0.2.9"), (b"authorization", b"canary")]
    scope = {"type": "http", "method": method, "path": "/breakers/users", "query_string": b"canary", "headers": headers}
    await Audited(admin, log)(scope, Peer().receive, send)
    log.flush()


async def test_an_admin_act_is_an_audit_line_and_a_look_is_none() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append)
    await acted("GET", log)
    assert written == []
    await acted("POST", log)
    found = orjson.loads(written[0])
    assert found.pop("time").endswith("Z")
    assert found.pop("ms") >= 0
    assert found == {
        "audit": "admin",
        "address": "192.0.2.9",
        "method": "POST",
        "path": "/breakers/users",
        "status": 202,
    }


def test_names_that_a_client_made_long_leave_the_line_short() -> None:
    """An alias is the client's, as long as its document; an operation of one has every section of its screen under it."""
    alias = "a" * 14_000
    made = request(outcomes={f"{alias}.section{n}": Outcome("fallback", "timeout", "users") for n in range(30)})
    found = line(made)
    assert len(orjson.dumps(found)) < AT_ONCE
    *named, more = found["sections"]
    assert {name.rpartition(".")[2] for name in named} == {f"section{n}" for n in range(len(named))}
    assert (more, found["sections"]["more"]) == ("more", {"count": 30 - len(named)})
    assert len(named) > 10
