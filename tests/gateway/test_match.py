"""From paths to endpoints: several may share one path, each with its own methods (S087)."""

from types import SimpleNamespace
from typing import cast

import pytest

from bff.faces.problems import Problem
from bff.gateway.match import METHODS, Routes
from bff.gateway.request import Endpoint, Request
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
