"""A screen behind its path: what it takes of a request besides its inputs."""

from time import monotonic

import pytest
from starlette.types import Message

from bff.gateway.request import Request
from bff.gateway.screen_endpoint import budget_of
from bff.testing import Fault
from tests.gateway.kit import Peer, bearer, gateway, scope_of


@pytest.mark.parametrize("given", ["1", "800", "000000800", "3600000", "999999999"])
async def test_a_budget_in_whole_milliseconds_is_taken_and_never_above_the_screens_own(given: str) -> None:
    """S073: an hour is capped. What is left goes on to the backend (F28)."""
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"request-timeout": given})
        if given == "1":  # less than the answer itself needs
            assert (reply.status, reply.problem, kit.stub.counters.calls) == (504, "backend-timeout", 0)
        else:
            assert reply.status == 200
            assert int(kit.stub.seen[0].headers["request-timeout"]) <= 790


@pytest.mark.parametrize(
    "given", ["0", "000", "-1", "+1", "1.5", "1e3", "", " ", "1 s", "soon", "²", "1000000000", "9" * 5_000]
)
async def test_a_budget_that_is_no_time_is_refused(given: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"request-timeout": given})
        assert (reply.status, reply.problem) == (400, "bad-request")
        assert kit.stub.counters.calls == 0


async def test_a_short_budget_cuts_only_what_may_be_cut() -> None:
    async with gateway() as kit:
        kit.stub.faults["/names/note"] = Fault("hang")
        reply = await kit.ask("/shop/v1/home", headers=bearer() | {"request-timeout": "120"})
        assert reply.json["data"] == {"name": "Ada", "note": None, "said": None}
        assert reply.json["meta"]["sections"]["note"]["status"] == "timeout"
        assert kit.line["ms"] < 170


JSON_TAKEN = (
    "*/*", "application/json", "application/*", "text/html, application/json;q=0.5", "APPLICATION/JSON",
    "text/html,*/*;q=0.1", "application/json; charset=utf-8",
)  # fmt: skip


@pytest.mark.parametrize("accept", JSON_TAKEN)
async def test_a_client_that_takes_json_has_it(accept: str) -> None:
    async with gateway() as kit:
        assert (await kit.ask("/shop/v1/open", headers={"accept": accept})).status == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "*/*; q=0.0", "json"])
async def test_a_client_that_takes_no_json_is_told_so(accept: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/open", headers={"accept": accept})
        assert (reply.status, reply.problem) == (406, "not-acceptable")


async def test_inputs_come_by_path_and_query_and_lists_by_repeating() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/items/7?pageSize=5&tags=a+b&tags=%C3%BC&tags=")
        assert reply.json["data"]["said"] == "seven 5 ['a b', 'ü', '']"


async def test_every_fault_of_the_inputs_is_told_at_once() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/items/7?pageSize=many&tags=1&tags=2&tags=3&tags=4&nope=1")
        assert reply.status == 422
        assert [fault["name"] for fault in reply.json["errors"]] == ["pageSize", "tags", "nope"]


@pytest.mark.parametrize("query", ["a=" + "&a=".join("1" * 101), "a=\xff", "a=%ff", "%ff=a"])
async def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    async with gateway() as kit:
        reply = await kit.ask(f"/shop/v1/open?{query}")
        assert (reply.status, reply.problem) == (400, "bad-request")


async def test_a_scope_without_raw_path_is_read_by_its_path() -> None:
    """ASGI lets a server leave it out."""
    async with gateway() as kit:
        sent: list[object] = []

        async def send(message: object) -> None:
            sent.append(message)

        scope = scope_of("/shop/v1/items/7", "GET", [("host", "shop.example")])
        del scope["raw_path"]
        await kit.stack(scope, Peer().receive, send)
        assert kit.line["status"] == 200


async def test_the_clients_budget_counts_from_the_requests_arrival() -> None:
    """What identity and the body took of it is not given to the screen again."""
    request = Request({"type": "http", "method": "GET", "headers": [(b"request-timeout", b"500")]}, _never, monotonic() - 0.2)
    left = budget_of(request)
    assert left is not None
    assert 0.1 < left <= 0.3


async def _never() -> Message:
    raise AssertionError("nothing is read here")
