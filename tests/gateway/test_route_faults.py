"""Plain routes that nobody would reach are told at start."""

import pytest

from bff.gateway.problem_pages import ProblemPages
from bff.gateway.route_faults import route_faults
from bff.settings import RouteSettings


def route(path: str, methods: list[str] | None = None) -> RouteSettings:
    return RouteSettings.model_validate({"path": path, "service": "users", "to": "/q", "methods": methods or ["GET"]})


@pytest.mark.parametrize(
    "path", ["/a//b", "/a;b", "/a%2fb", "/a%2Fb", "/a/../b", "/.", "/a/%2e%2e", "/a\\b", "/a%00", "/a%5cb"]
)
def test_a_path_that_the_guard_always_refuses_is_refused(path: str) -> None:
    (fault,) = route_faults({"q": route(path)}, [])
    assert fault.startswith(f"routes.q.path: '{path}' could be read in two ways")


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a/b.c/~d", "/.well-known/x", "/a%20b"])
def test_a_plain_path_is_good(path: str) -> None:
    assert not list(route_faults({"q": route(path)}, [ProblemPages()]))


class Taken(ProblemPages):
    """A screen, by what a path's other claimant can see of it."""

    template = "/shop/v1/home"
    name = "shop/home"


def test_a_route_on_the_path_of_a_screen_is_refused_for_the_methods_of_both() -> None:
    there = [Taken()]
    (fault,) = route_faults({"q": route("/shop/v1/home", ["GET", "POST"])}, there)
    assert fault == "routes.q: GET /shop/v1/home is shop/home's already, which would answer in its place; change one"
    assert not list(route_faults({"q": route("/shop/v1/home", ["POST"])}, there))
    assert not list(route_faults({"q": route("/problems/mine")}, [ProblemPages()]))  # a fixed path wins over a template
