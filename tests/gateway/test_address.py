"""Whose address a request is counted under (S067)."""

import pytest

from bff.errors import Refusal
from bff.faces.answer import Headers
from bff.gateway.address import MOST_HOPS, Proxies, normal
from bff.gateway.guard import Guard
from bff.gateway.request import Request
from bff.settings import LimitSettings
from tests.gateway.kit import Peer, scope_of

OURS = Proxies(["10.0.0.0/8", "2001:db8::/32"])


def said(*values: str) -> Headers:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], "10.0.0.1"),
        (said(""), "10.0.0.1"),
        (said("192.0.2.1"), "192.0.2.1"),
        (said("192.0.2.1, 10.0.0.2"), "192.0.2.1"),
        (said("192.0.2.1", "10.0.0.2"), "192.0.2.1"),
        (said("198.51.100.1, 192.0.2.1,10.0.0.2 ,10.0.0.3"), "192.0.2.1"),
        (said("10.0.0.9, 10.0.0.8"), "10.0.0.9"),
        (said("192.0.2.1, unknown"), "10.0.0.1"),
        (said("192.0.2.1, unknown, 10.0.0.2"), "10.0.0.2"),
        (said("192.0.2.1:4711"), "192.0.2.1"),
        (said("[2001:db9::1]:4711"), "2001:db9::1"),
        (said("2001:DB9:0::1, 2001:db8::7"), "2001:db9::1"),
        (said("::ffff:192.0.2.1, ::ffff:10.0.0.2"), "192.0.2.1"),
        (said("fe80::1%\\n"), "10.0.0.1"),
        (said('192.0.2.1"}'), "10.0.0.1"),
        (said(", ".join(["192.0.2.1"] + ["10.0.0.2"] * MOST_HOPS)), "10.0.0.2"),
        (said("192.0.2.1," + " " * 15_000), "10.0.0.1"),
    ],
)
def test_the_right_most_that_is_no_proxy_of_ours_is_the_client(headers: Headers, address: str) -> None:
    assert OURS.told(headers, "10.0.0.1") == (address, False)


@pytest.mark.parametrize(
    ("peer", "trusts"),
    [
        ("10.9.9.9", True),
        ("::ffff:10.9.9.9", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_proxy_is_known_by_its_network(peer: str, trusts: bool) -> None:
    assert OURS.trusts(peer) is trusts
    assert not Proxies().trusts(peer)


@pytest.mark.parametrize(
    ("values", "secure"),
    [([], False), (["https"], True), (["http"], False), (["https, http"], False), (["http", "HTTPS"], True)],
)
def test_the_nearest_proxy_says_whether_it_was_tls(values: list[str], secure: bool) -> None:
    assert OURS.told([(b"x-forwarded-proto", value.encode()) for value in values], "10.0.0.1") == ("10.0.0.1", secure)


@pytest.mark.parametrize(
    ("address", "as_counted"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::0:1", "2001:db8::1"), ("", "")],
)
def test_one_client_has_one_spelling(address: str, as_counted: str) -> None:
    assert normal(address) == as_counted


def test_every_network_that_is_none_is_refused_at_start() -> None:
    with pytest.raises(Refusal) as refusal:
        Proxies(["10.0.0.0/8", "10.0.0.1/8", "localhost", "10.0.0.0/99"])
    assert len(refusal.value.faults) == 3
    assert all(fault.startswith("server.trusted_proxies: ") for fault in refusal.value.faults)


@pytest.mark.parametrize(("peer", "address"), [("10.0.0.1", "192.0.2.1"), ("198.51.100.9", "198.51.100.9")])
def test_the_guard_sets_it_also_for_what_it_refuses(peer: str, address: str) -> None:
    scope = scope_of("/x", "GET", [("X-Forwarded-For", "192.0.2.1")]) | {"client": (peer, 5)}
    request = Request(scope, Peer().receive, 0.0)
    with pytest.raises(Exception, match="bad-request"):
        Guard(LimitSettings(), proxies=OURS).check(request)
    assert request.address == address
