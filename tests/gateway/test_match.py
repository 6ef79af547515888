"""From paths to endpoints: several may share one path, each with its own methods (S087)."""

from types import SimpleNamespace
from typing import cast

import pytest

from bff.apps import App
from bff.faces.problems import Problem
from bff.gateway.match import METHODS, Routes
from bff.gateway.request import Endpoint, Request
from bff.gateway.retired import Retired, retired_faults
from tests.gateway.kit import Peer, scope_of


def endpoint(template: str, *methods: str) -> Endpoint:
    return cast(Endpoint, SimpleNamespace(template=template, methods=methods))


READ = endpoint("/orders/{order_id}", "GET", "HEAD")
CANCEL = endpoint("/orders/{orderId}", "DELETE")
NEWEST = endpoint("/orders/newest", "GET")
PLACE = endpoint("/orders", "POST")
LIST = endpoint("/orders", "GET")
ROUTES = Routes([READ, CANCEL, NEWEST, PLACE, LIST])


def asked(target: str, method: str = "GET") -> Request:
    return Request(scope_of(target, method, []), Peer().receive, 0.0)


@pytest.mark.parametrize(
    ("target", "method", "found", "path"),
    [
        ("/orders", "GET", LIST, {}),
        ("/orders?a=1", "POST", PLACE, {}),
        ("/orders/newest", "GET", NEWEST, {}),
        ("/orders/7", "GET", READ, {"orderId": "7"}),
        ("/orders/7", "DELETE", CANCEL, {"orderId": "7"}),
        ("/orders/a%20b", "HEAD", READ, {"orderId": "a b"}),
    ],
)
def test_a_path_and_a_method_lead_to_one_endpoint(target: str, method: str, found: Endpoint, path: dict[str, str]) -> None:
    request = asked(target, method)
    ROUTES.match(request)
    assert (request.endpoint, request.path) == (found, path)


@pytest.mark.parametrize(
    ("target", "method", "allow"),
    [
        ("/orders", "PUT", "POST, GET"),
        ("/orders/7", "POST", "GET, HEAD, DELETE"),
        ("/orders/newest", "DELETE", "GET"),
        ("/orders/7", "TRACE", "GET, HEAD, DELETE"),
        ("/nowhere", "BREW", ", ".join(METHODS)),
    ],
)
def test_s087_another_method_is_told_those_that_are_taken(target: str, method: str, allow: str) -> None:
    with pytest.raises(Problem, match="method-not-allowed") as told:
        ROUTES.match(asked(target, method))
    assert (b"allow", allow.encode()) in told.value.headers


@pytest.mark.parametrize("target", ["/Orders", "/orders/", "/orders/7/8", "/"])
def test_any_other_path_is_not_there(target: str) -> None:
    with pytest.raises(Problem, match="not-found"):
        ROUTES.match(asked(target))


def test_all_that_share_a_path_are_found_whatever_their_methods() -> None:
    assert ROUTES.at(asked("/orders/7", "OPTIONS")) == [READ, CANCEL]
    assert ROUTES.at(asked("/orders", "OPTIONS")) == [PLACE, LIST]
    assert ROUTES.at(asked("/nowhere", "OPTIONS")) == []


SHOP = App("shop", version="v3", retired=("v1", "v2"))
GONE = Retired.of({"/api/v1/users": ""}, [SHOP])


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/shop/v1/home?a=1", "/shop/v1 is no more; use /shop/v3"),
        ("/shop/v2", "/shop/v2 is no more; use /shop/v3"),
        ("/api/v1/users/7", "/api/v1/users is no more"),
    ],
)
def test_what_is_no_more_is_gone_and_names_what_to_use(target: str, told: str) -> None:
    with pytest.raises(Problem, match="gone") as found:
        Routes([READ], GONE).match(asked(target))
    assert found.value.detail == told


@pytest.mark.parametrize("target", ["/shop/v10/home", "/shop/v3/nothing", "/api/v1/user"])
def test_beside_what_is_no_more_nothing_was_ever_there(target: str) -> None:
    with pytest.raises(Problem, match="not-found"):
        Routes([READ], GONE).match(asked(target))


def test_a_retired_path_behind_which_something_answers_is_a_fault() -> None:
    (fault,) = retired_faults({"/orders": "/v2/orders"}, [cast(Endpoint, SimpleNamespace(template="/orders/{id}", name="o"))])
    assert fault == "retired.'/orders': o still answers at /orders/{id}; take one of the two out"


def test_an_app_does_not_retire_the_version_it_has() -> None:
    with pytest.raises(ValueError, match="'v1' is among the retired ones"):
        App("shop", retired=("v1",))
