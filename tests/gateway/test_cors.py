"""What cannot be right about origins is refused at start; the rest is shown over sockets in tests/security/test_cors.py."""

import pytest

from bff.errors import Refusal
from bff.faces.problems import Problem
from bff.gateway.cors import Cors
from bff.gateway.match import Routes
from bff.gateway.proxy import ProxyEndpoint
from bff.gateway.request import Request
from bff.service_settings import ServiceSettings
from bff.settings import AppSettings, LimitSettings, RouteSettings
from bff.upstream import pipe
from tests.gateway.kit import Peer, scope_of


@pytest.mark.parametrize(
    ("origins", "credentials"),
    [
        (["*"], True),
        (["https://a.example", "*"], True),
        (["null"], False),
        (["https://shop.example/"], False),
        (["https://shop.example/path"], False),
        (["shop.example"], False),
        (["https://*.shop.example"], False),
        (["https://Shop.example"], False),
        (["https://user@shop.example"], False),
        (["HTTPS://shop.example"], False),
        ([""], False),
    ],
)
def test_an_origin_that_no_browser_sends_or_that_is_everybody_with_cookies_is_refused_at_start(
    origins: list[str], credentials: bool
) -> None:
    """S059."""
    with pytest.raises(Refusal, match=r"apps\.web: "):
        Cors({"web": AppSettings(origins=origins, credentials=credentials)})


@pytest.mark.parametrize("origin", ["https://shop.example", "http://localhost:3000", "https://[::1]:8443", "http://127.0.0.1"])
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    Cors({"web": AppSettings(origins=[origin], credentials=True)})


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", [("origin", "https://a.example"), ("access-control-request-method", "GET")]),
        ("OPTIONS", [("origin", "https://a.example")]),
        ("OPTIONS", [("access-control-request-method", "GET")]),
        ("OPTIONS", []),
    ],
)
def test_what_is_no_preflight_is_left_to_the_other_stages(method: str, headers: list[tuple[str, str]]) -> None:
    request = Request(scope_of("/x", method, headers), Peer().receive, 0.0)
    assert Cors({"web": AppSettings(origins=["*"])}).preflight(request, Routes([])) is None


@pytest.mark.parametrize("host", ["shop.test", "shop.test:443", "Shop.Test"])
async def test_a_browser_that_tells_no_site_is_judged_by_the_host_however_it_is_written(host: str) -> None:
    request = Request(scope_of("/x", "POST", [("host", host), ("origin", "https://shop.test")]), Peer().receive, 0.0)
    Cors().check(request)
    request = Request(scope_of("/x", "POST", [("host", host), ("origin", "https://evil.test")]), Peer().receive, 0.0)
    with pytest.raises(Problem):
        Cors().check(request)


def test_a_plain_route_is_open_to_the_pages_of_its_app() -> None:
    route = RouteSettings(path="/login", service="users", to="/login", methods=["POST"], app="web")
    users = pipe.service("users", ServiceSettings(instances=["http://127.0.0.1:9"]))
    endpoint = ProxyEndpoint("login", route, users, LimitSettings())
    asks = [("origin", "https://shop.test"), ("access-control-request-method", "POST")]
    request = Request(scope_of("/login", "OPTIONS", asks), Peer().receive, 0.0)
    answer = Cors({"web": AppSettings(origins=["https://shop.test"])}).preflight(request, Routes([endpoint]))
    assert answer is not None
    assert (b"access-control-allow-methods", b"POST") in answer.headers
