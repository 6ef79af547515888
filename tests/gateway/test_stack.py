"""The gateway's order and its frame: whatever comes, one answer, one line, and nothing asked of a backend too early."""

import asyncio
import logging

import pytest

from bff.gateway.watch import WATCH_AFTER
from bff.testing import Fault, StubReply
from tests.gateway.kit import Peer, bearer, gateway
from tests.identity.tokens import OTHER_ISS

SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


async def test_a_screen_is_answered_whole_with_the_headers_that_every_answer_has() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/home", headers=bearer())
        assert reply.status == 200
        assert reply.json == {
            "data": {"name": "Ada", "note": "a note", "said": None},
            "meta": {"complete": True, "sections": {}},
        }
        assert reply.headers["content-type"] == "application/json"
        assert int(reply.headers["content-length"]) == len(reply.body)
        assert SAFE.items() <= reply.headers.items()
        assert "connection" not in reply.headers
        assert "bff-sections" not in reply.headers


async def test_what_is_not_plainly_ok_is_in_the_body_the_header_and_the_line() -> None:
    async with gateway() as kit:
        kit.stub.faults["/names/note"] = Fault("status", status=503, retry_after=2)
        reply = await kit.ask("/shop/v1/home", headers=bearer())
        assert reply.json["meta"]["sections"]["note"]["reason"] == "status 503"
        assert reply.headers["bff-sections"].startswith('"note";status=unavailable;reason="status 503";service="users"')
        assert kit.line["sections"] == reply.json["meta"]["sections"]


REFUSED = {
    "path": ("/shop/v1/../home", "GET", {}, 400, "bad-request"),
    "unknown": ("/shop/v1/nowhere", "GET", {}, 404, "not-found"),
    "case": ("/shop/v1/Open", "GET", {}, 404, "not-found"),
    "slash": ("/shop/v1/open/", "GET", {}, 404, "not-found"),
    "method": ("/shop/v1/open", "POST", {}, 405, "method-not-allowed"),
    "accept": ("/shop/v1/open", "GET", {"accept": "text/html"}, 406, "not-acceptable"),
    "guest": ("/shop/v1/home", "GET", {}, 401, "unauthenticated"),
    "guest route": ("/api/users", "POST", {}, 401, "unauthenticated"),
    "scope": ("/shop/v1/staff", "GET", bearer(), 403, "forbidden"),
    "one scope of two": ("/shop/v1/staff", "GET", bearer(scope="staff"), 403, "forbidden"),
    "route scope": ("/api/users", "POST", bearer(), 403, "forbidden"),
    "bad token": ("/shop/v1/open", "GET", {"authorization": "Bearer nonsense"}, 401, "unauthenticated"),
    "budget": ("/shop/v1/open", "GET", {"request-timeout": "soon"}, 400, "bad-request"),
    "input": ("/shop/v1/items/7?pageSize=many", "GET", {}, 422, "bad-input"),
    "unknown input": ("/shop/v1/open?x=1", "GET", {}, 422, "bad-input"),
    "unknown section": ("/shop/v1/open?sections=nope", "GET", {}, 422, "bad-input"),
    "query": ("/shop/v1/open?x=%ff", "GET", {}, 400, "bad-request"),
    "long query": (f"/shop/v1/open?x={'a' * 1_000}", "GET", {}, 414, "uri-too-long"),
    "big body": ("/api/login", "POST", {"content-length": "70000"}, 413, "too-large"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_a_refused_request_is_a_problem_document_and_reaches_no_backend(
    case: tuple[str, str, dict[str, str], int, str],
) -> None:
    target, method, headers, status, problem = case
    async with gateway() as kit:
        reply = await kit.ask(target, method, headers)
        assert (reply.status, reply.problem) == (status, problem)
        assert SAFE.items() <= reply.headers.items()
        assert kit.stub.counters.calls == 0
        assert (kit.line["status"], kit.line["calls"]) == (status, 0)
        assert "Traceback" not in reply.body.decode()


@pytest.mark.parametrize(
    ("target", "method", "allow"),
    [
        ("/shop/v1/home", "POST", "GET, HEAD"),
        ("/shop/v1/home", "TRACE", "GET, HEAD"),
        ("/shop/v1/home", "CONNECT", "GET, HEAD"),
        ("/shop/v1/home", "BREW", "GET, HEAD"),
        ("/shop/v1/items/7", "DELETE", "GET, HEAD"),
        ("/api/login", "GET", "POST"),
        ("/api/users", "PUT", "GET, POST"),
        ("/problems/forbidden", "POST", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_taken_is_told_those_that_are(target: str, method: str, allow: str) -> None:
    """S087."""
    async with gateway() as kit:
        reply = await kit.ask(target, method)
        assert (reply.status, reply.headers["allow"]) == (405, allow)


async def test_the_order_is_guard_match_identity_authorization_face() -> None:
    """A request with every fault at once is refused for the first; each fault mended shows the next."""
    target, headers = "/shop/v1/nowhere", {"content-length": "x", "authorization": "Bearer nonsense", "request-timeout": "soon"}
    async with gateway() as kit:
        assert (await kit.ask(target, headers=headers)).problem == "bad-request"
        del headers["content-length"]
        assert (await kit.ask(target, headers=headers)).problem == "not-found"
        assert (await kit.ask("/shop/v1/staff", "POST", headers)).problem == "method-not-allowed"
        assert (await kit.ask("/shop/v1/staff", headers=headers)).problem == "unauthenticated"
        headers |= bearer()
        assert (await kit.ask("/shop/v1/staff", headers=headers)).problem == "forbidden"
        headers |= bearer(scope="staff admin")
        assert (await kit.ask("/shop/v1/staff", headers=headers)).problem == "bad-request"
        del headers["request-timeout"]
        assert kit.stub.counters.calls == 0
        assert (await kit.ask("/shop/v1/staff", headers=headers)).status == 200


async def test_head_tells_the_length_and_sends_no_body() -> None:
    async with gateway() as kit:
        whole, head = await kit.ask("/shop/v1/open"), await kit.ask("/shop/v1/open", "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.body))
        missing = await kit.ask("/shop/v1/nowhere", "HEAD")
        assert (missing.status, missing.body) == (404, b"")


async def test_while_draining_every_answer_closes_its_connection() -> None:
    async with gateway() as kit:
        kit.stack.draining = True
        for target, status in (("/shop/v1/open", 200), ("/shop/v1/nowhere", 404), ("/shop/v1/broken", 500)):
            reply = await kit.ask(target)
            assert (reply.status, reply.headers["connection"]) == (status, "close")


async def test_a_bug_is_a_500_that_tells_nothing_and_a_trace_in_our_log(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as kit:
        with caplog.at_level(logging.ERROR, "bff"):
            reply = await kit.ask("/shop/v1/broken", headers={"x-request-id": "r-1"})
        assert (reply.status, reply.problem) == (500, "internal")
        assert reply.json.keys() == {"type", "title", "status", "requestId", "traceId"}
        assert b"secret" not in reply.body
        (record,) = caplog.records
        assert "r-1" in record.getMessage()
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], KeyError)
        assert kit.stack.in_flight == 0


async def test_a_required_section_that_fails_is_a_problem_that_names_it() -> None:
    async with gateway() as kit:
        kit.stub.faults["/names/head"] = Fault("status", status=503, retry_after=3)
        reply = await kit.ask("/shop/v1/open")
        assert (reply.status, reply.problem) == (502, "backend-invalid")
        assert (reply.json["section"], reply.json["service"], reply.json["reason"]) == ("name", "users", "status 503")
        assert reply.headers["retry-after"] == "3"
        await kit.stub.stop_listening()
        reply = await kit.ask("/shop/v1/open")
        assert (reply.status, reply.problem) == (503, "backend-unavailable")


async def test_a_backend_that_hangs_is_a_504_within_the_clients_own_budget() -> None:
    async with gateway() as kit:
        kit.stub.fault = Fault("hang")
        reply = await kit.ask("/shop/v1/open", headers={"request-timeout": "80"})
        assert (reply.status, reply.problem) == (504, "backend-timeout")
        await kit.stub.wait_for(lambda: kit.stub.counters.cancels == 1)
        assert kit.line["ms"] < 130
        assert int(kit.stub.seen[0].headers["request-timeout"]) <= 70


async def test_what_is_not_there_is_a_404_with_the_sections_name() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/items/nobody")
        assert (reply.status, reply.problem, reply.json["section"]) == (404, "not-found", "said")


# Who asks

FORGED = {
    "malformed": "Bearer nonsense",
    "no token": "Bearer",
    "empty": "Bearer ",
    "two words": "Bearer a b",
    "none": "Bearer eyJhbGciOiJub25lIn0.e30.",
    "too long": f"Bearer {'a' * 9_000}",
    "expired": bearer(exp=1)["authorization"],
    "audience": bearer(aud="other")["authorization"],
    "issuer": bearer(iss=OTHER_ISS)["authorization"],
    "altered": bearer()["authorization"][:-6] + "AAAAAA",
}


@pytest.mark.parametrize("authorization", FORGED.values(), ids=FORGED)
async def test_every_bad_token_has_the_same_401_even_where_guests_may_go(authorization: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"authorization": authorization})
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == 'Bearer realm="bff", error="invalid_token"'
        assert reply.json["detail"] == "the credential is not valid"
        assert kit.line["refused"]
        assert kit.line["user"] is None
        assert kit.stub.counters.calls == 0


async def test_two_authorization_headers_are_refused() -> None:
    async with gateway() as kit:
        good = bearer()["authorization"]
        reply = await kit.ask("/shop/v1/open", headers=[("authorization", good), ("authorization", good)])
        assert (reply.status, kit.line["refused"]) == (401, "credentials")


async def test_a_guest_is_told_what_to_present_and_a_caller_what_they_lack() -> None:
    async with gateway() as kit:
        guest = await kit.ask("/shop/v1/home")
        assert guest.headers["www-authenticate"] == 'Bearer realm="bff"'
        assert kit.line["refused"] == "no identity"
        lacking = await kit.ask("/shop/v1/staff", headers=bearer(scope="staff"))
        assert lacking.json["detail"] == "needs scope admin staff"
        assert (kit.line["refused"], kit.line["user"]) == ("scope", "user-7")
        assert (await kit.ask("/shop/v1/staff", headers=bearer(scope="staff admin x"))).status == 200


async def test_keys_that_cannot_be_had_are_a_503_and_not_a_401_which_would_log_everybody_out() -> None:
    async with gateway() as kit:
        kit.keys.by_url.clear()
        reply = await kit.ask("/shop/v1/open", headers=bearer())
        assert (reply.status, reply.problem) == (503, "backend-unavailable")
        assert reply.headers["retry-after"] == "1"
        assert b"id.example" not in reply.body
        assert (await kit.ask("/shop/v1/open")).status == 200


@pytest.mark.parametrize("name", ["x-user-id", "x-internal-identity", "x-forwarded-user", "x-original-url", "x-rewrite-url"])
async def test_a_header_that_claims_an_identity_or_another_path_changes_nothing(name: str) -> None:
    """S062, S063, S066, S069: refused as without it, and unknown to the backend."""
    async with gateway() as kit:
        claimed = [(name, "/shop/v1/home"), ("connection", name)]
        assert (await kit.ask("/shop/v1/home", headers=claimed)).status == 401
        assert (await kit.ask("/shop/v1/open", headers=claimed)).status == 200
        assert (await kit.ask("/api/users", headers=claimed)).status == 404
        assert all(name not in record.headers for record in kit.stub.seen)


async def test_a_method_cannot_be_overridden_by_a_header() -> None:
    """S070."""
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/open", "POST", {"x-http-method-override": "GET"})).status == 405


# The request's id


@pytest.mark.parametrize("given", ["r-1", "A.b_c-9", "a" * 64])
async def test_a_plain_request_id_is_taken_and_goes_on_to_the_backend(given: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"x-request-id": given})
        assert reply.headers["x-request-id"] == kit.line["requestId"] == given
        assert kit.stub.seen[0].headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a" * 10_000, "a\r\nb", "a\nb", "a\n", "a b", "ä", '"', "\x1b[31m", "{}"])
async def test_an_odd_request_id_is_replaced_and_seen_nowhere(given: str) -> None:
    """S072."""
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"x-request-id": given})
        made = reply.headers["x-request-id"]
        assert len(made) == 32
        assert made == kit.line["requestId"] == kit.stub.seen[0].headers["x-request-id"]


async def test_a_request_without_an_id_is_given_one_of_its_own() -> None:
    async with gateway() as kit:
        first, second = await kit.ask("/shop/v1/open"), await kit.ask("/shop/v1/nowhere")
        assert first.headers["x-request-id"] != second.headers["x-request-id"]


# The client that goes


async def test_a_client_that_goes_cancels_its_screen_and_is_logged_as_499() -> None:
    """F26: the backend sees its connection close, nothing is answered."""
    async with gateway() as kit:
        kit.stub.fault = Fault("hang")
        peer = Peer()
        asking = asyncio.ensure_future(kit.ask("/shop/v1/home", headers=bearer(), peer=peer))
        await kit.stub.wait_for(lambda: kit.stub.counters.calls == 2)
        assert kit.stack.in_flight == 1
        peer.gone.set()
        await kit.stub.wait_for(lambda: kit.stub.counters.cancels == 2)
        assert (await asking).status == 0
        assert (kit.line["status"], kit.line["calls"], kit.line["bytes"]) == (499, 2, 0)
        assert kit.stack.in_flight == 0
        assert kit.stub.counters.open_connections == 0


async def test_a_server_that_cancels_a_request_is_obeyed_and_leaves_nothing_in_flight() -> None:
    async with gateway() as kit:
        kit.stub.fault = Fault("hang")
        asking = asyncio.ensure_future(kit.ask("/shop/v1/open"))
        await kit.stub.wait_for(lambda: kit.stub.counters.calls == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert kit.stack.in_flight == 0
        await kit.stub.wait_for(lambda: kit.stub.counters.cancels == 1)


async def test_a_body_that_breaks_off_is_refused_and_calls_nobody() -> None:
    async with gateway() as kit:
        peer = Peer(parts=[])
        peer.gone.set()
        assert (await kit.ask("/api/login", "POST", peer=peer)).problem == "bad-request"
        assert (kit.line["status"], kit.stub.counters.calls) == (400, 0)


async def test_a_write_in_progress_is_not_cut_when_its_client_goes() -> None:
    release = asyncio.Event()

    async def slowly(_: object) -> StubReply:
        await release.wait()
        return StubReply.json({"token": "t"})

    async with gateway() as kit:
        kit.stub.handler = slowly
        peer = Peer(parts=[b"{}"])
        asking = asyncio.ensure_future(kit.ask("/api/login", "POST", peer=peer))
        await kit.stub.wait_for(lambda: kit.stub.counters.calls == 1)
        peer.gone.set()
        asyncio.get_running_loop().call_later(3 * WATCH_AFTER, release.set)  # long after a read would have been cut
        assert (await asking).status == 200
        assert (kit.stub.counters.finished, kit.stub.counters.cancels) == (1, 0)


async def test_what_is_not_http_is_left_alone() -> None:
    async with gateway() as kit:
        await kit.stack({"type": "lifespan"}, Peer().receive, Peer().receive)  # type: ignore[arg-type]  # never called
        assert kit.lines == b""


# The access line


async def test_the_line_tells_who_what_and_how_long() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/items/7?pageSize=5", headers=bearer() | {"x-request-id": "r-1"})
        line = kit.line
        assert reply.status == 200
        assert line.pop("time").endswith("Z")
        assert 0 < line.pop("ms") < 5_000
        assert len(line.pop("traceId")) == 32
        assert line == {
            "requestId": "r-1",
            "to": [f"users@{kit.stub.address}"],
            "user": "user-7",
            "address": "192.0.2.7",
            "app": "shop",
            "method": "GET",
            "path": "/shop/v1/items/{item_id}",
            "status": 200,
            "bytes": len(reply.body),
            "calls": 1,
        }


async def test_a_path_that_is_nowhere_is_not_in_the_line() -> None:
    async with gateway() as kit:
        await kit.ask("/shop/v1/../../etc/passwd")
        assert (kit.line["path"], kit.line["app"]) == (None, None)


async def test_no_value_token_or_odd_byte_of_a_client_is_ever_logged() -> None:
    """S148, S149: what the client wrote stays out of the line, all but its method and a plain request id."""
    async with gateway() as kit:
        token = bearer()["authorization"]
        for target, headers in (
            ("/shop/v1/items/canary?pageSize=3&tags=canary", {"authorization": token}),
            ("/shop/v1/items/canary?pageSize=canary", {}),
            ("/shop/v1/canary", {"user-agent": "canary", "x-request-id": "canary\r\n", "accept-language": "canary"}),
            ("/shop/v1/open?canary=canary", {"authorization": "Bearer canary", "x-forwarded-for": "canary"}),
            ("/shop/v1/open", {"authorization": "Basic canary", "cookie": "canary=1", "referer": "canary"}),
        ):
            await kit.ask(target, headers=headers)
        assert b"canary" not in kit.lines
        assert token.split()[1].encode() not in kit.lines
        assert len(kit.lines.splitlines()) == 5


async def test_every_problem_has_its_page() -> None:
    async with gateway() as kit:
        refused = await kit.ask("/shop/v1/nowhere")
        page = await kit.ask(refused.json["type"])
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"404 Nothing here" in page.body
        assert (await kit.ask("/problems/nope")).problem == "not-found"
