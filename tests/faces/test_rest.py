"""FastAPI over an app's screens, by itself: its routes, its own refusals, and how it tells when it disagrees with `serve`."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import pytest
from pydantic import Field

from bff import App, Screen, needs, section
from bff.composition.build import plan_of
from bff.composition.inputs import Inputs
from bff.composition.signature import Parameter
from bff.faces.problems import Problem
from bff.faces.rest import Disagreement, fastapi_app
from bff.faces.screen import Raw, ServedScreen
from bff.gateway.request import Request
from bff.gateway.screen_endpoint import budget_of
from tests.faces.rest_fakes import Fakes, served
from tests.faces.rest_gateway import Reply, call, request_scope
from tests.faces.rest_screens import SHOP

SMALL = App("small")


@dataclass
class Page:
    said: str


def raw_of(http: Any) -> Raw:
    return Raw(dict(http.path_params), list(http.query_params.multi_items()))


async def ask(screens: list[ServedScreen], target: str, method: str = "GET") -> Reply:
    api = fastapi_app(SMALL, screens, raw_of=raw_of, ids_of=lambda http: ("r-1", ""))
    return await call(api, request_scope(target, method))


@section()
async def said(count: Annotated[int, Field(ge=1)]) -> str:
    return "x" * count


def page(inputs: Inputs | None = None) -> ServedScreen:
    """A screen that takes `count`; with `inputs`, one whose `serve` parses by other rules than were documented."""
    screen = ServedScreen(plan_of(Screen("/page", Page(said=needs(said)), apps=(SMALL,))), Fakes({}).clients)
    if inputs is not None:
        screen.inputs = inputs
    return screen


def by_other_rules(annotation: object) -> Inputs:
    return Inputs("page", [Parameter("count", "input", annotation)])


def test_every_screen_has_a_route_for_get_and_head_under_the_clients_names() -> None:
    api = fastapi_app(SHOP, served(), raw_of=raw_of, ids_of=lambda http: ("r-1", ""))
    routes = {(method, route.path) for route in api.routes for method in route.methods}  # type: ignore[attr-defined]
    paths = ("/shop/v1/home", "/shop/v1/orders/{orderId}", "/shop/v1/search", "/shop/v1/staff")
    assert routes == {(method, path) for method in ("GET", "HEAD") for path in paths}


async def test_a_screen_is_served() -> None:
    status, _, body = await ask([page()], "/small/v1/page?count=3")
    assert (status, orjson.loads(body)["data"]) == (200, {"said": "xxx"})


async def test_fastapi_refusing_what_serve_takes_is_a_disagreement() -> None:
    with pytest.raises(Disagreement, match="FastAPI refuses what `serve` takes"):
        await ask([page(by_other_rules(int))], "/small/v1/page?count=0")


async def test_fastapi_taking_what_serve_refuses_is_a_disagreement() -> None:
    with pytest.raises(Disagreement, match=r"FastAPI takes \['count'\]"):
        await ask([page(by_other_rules(Annotated[int, Field(ge=5)]))], "/small/v1/page?count=3")


async def test_reading_another_value_is_a_disagreement() -> None:
    with pytest.raises(Disagreement, match="FastAPI reads"):
        await ask([page(by_other_rules(float))], "/small/v1/page?count=3")


async def test_what_only_serve_judges_is_no_disagreement() -> None:
    for query in ("count=3&count=4", "count=3&more=1", "count=3&sections=none"):
        status, _, body = await ask([page()], f"/small/v1/page?{query}")
        assert (status, orjson.loads(body)["type"]) == (422, "/problems/bad-input")


TIMES = (
    "1",
    "500",
    "007",
    "999999999",
    "0",
    "000000000",
    "0000000001",
    "1234567890",
    "-5",
    "+5",
    "5s",
    "5.0",
    "1_0",
    "",
    " 5",
    "\u00b2",
)


@pytest.mark.parametrize("value", TIMES)
async def test_fastapi_and_the_dispatcher_take_the_same_times(value: str) -> None:
    """By FastAPI's judgement alone: here `raw_of` takes any time, so that a refusal can only be FastAPI's."""
    scope = request_scope("/small/v1/page?count=3", headers={"request-timeout": value})
    try:
        budget_of(Request(scope, receive=_nobody, started=0.0))
        taken = True
    except Problem:
        taken = False
    api = fastapi_app(SMALL, [page()], raw_of=raw_of, ids_of=lambda http: ("r-1", ""))
    if taken:
        assert (await call(api, scope))[0] == 200
    else:
        with pytest.raises(Disagreement, match="FastAPI refuses"):
            await call(api, scope)


async def _nobody() -> Any:
    raise AssertionError("nothing is to be read")


async def test_a_bug_is_a_problem_and_goes_on_to_whoever_serves_the_app() -> None:
    sent = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    api = fastapi_app(SMALL, [page(by_other_rules(int))], raw_of=raw_of, ids_of=lambda http: ("r-1", ""))
    with pytest.raises(Disagreement):
        await api(request_scope("/small/v1/page?count=0"), receive, send)
    assert sent[0]["status"] == 500
    assert orjson.loads(sent[1]["body"]) == {
        "type": "/problems/internal",
        "title": "A fault of ours",
        "status": 500,
        "requestId": "r-1",
    }


async def test_other_paths_and_methods_are_problems_too() -> None:
    status, _, body = await ask([page()], "/small/v1/nowhere")
    assert (status, orjson.loads(body)["type"]) == (404, "/problems/not-found")
    status, headers, body = await ask([page()], "/small/v1/page", "POST")
    assert (status, orjson.loads(body)["type"]) == (405, "/problems/method-not-allowed")
    assert dict(headers)[b"allow"] == b"GET, HEAD"
    assert (await ask([page()], "/small/v1/page/"))[0] == 404  # no redirect


async def test_inputs_may_have_the_names_of_what_fastapi_passes() -> None:
    @section()
    async def odd(request: str, request_timeout: int = 1) -> str:
        return request * request_timeout

    screen = Screen("/odd", Page(said=needs(odd)), apps=(SMALL,))
    _, _, body = await ask([ServedScreen(plan_of(screen), Fakes({}).clients)], "/small/v1/odd?request=ab&requestTimeout=2")
    assert orjson.loads(body)["data"] == {"said": "abab"}
