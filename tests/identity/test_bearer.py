"""Where a token is looked for, and what counts as one."""

import pytest

from bff.faces.answer import Headers
from bff.gateway.request import Request
from bff.identity.bearer import MAX_TOKEN, bearer_token
from bff.identity.unauthenticated import Unauthenticated
from tests.gateway.kit import Peer

HOST = (b"host", b"bff.example")


def token_of(headers: Headers) -> str | None:
    """As the gateway looks for it."""
    return bearer_token(Request({"headers": headers}, Peer().receive, 0.0).values(b"authorization"))


def authorization(value: bytes) -> tuple[bytes, bytes]:
    return (b"authorization", value)


@pytest.mark.parametrize("value", [b"Bearer abc.def.ghi", b"bearer abc.def.ghi", b"BEARER   abc.def.ghi "])
def test_the_token_is_found_whatever_the_case_of_the_scheme(value: bytes) -> None:
    assert token_of([HOST, authorization(value)]) == "abc.def.ghi"


@pytest.mark.parametrize("value", [b"Basic dXNlcjpw", b"ApiKey a.b", b"DPoP abc", b"", b"Bearerabc", b"abc"])
def test_another_scheme_is_left_to_others(value: bytes) -> None:
    assert token_of([HOST, authorization(value)]) is None


def test_no_header_is_a_guest() -> None:
    assert token_of([HOST, (b"cookie", b"authorization=Bearer abc")]) is None


@pytest.mark.parametrize("second", [b"Bearer abc", b"Bearer def", b"Basic dXNlcjpw", b""])
def test_s029_two_authorization_headers_are_refused(second: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        token_of([authorization(b"Bearer abc"), HOST, authorization(second)])
    assert refused.value.reason == "credentials"


@pytest.mark.parametrize("token", [b"", b"  ", b"a b", b"a,b", b"abc, Bearer def", b'"abc"', b"a\0b", b"\xe9", b"a=b", b"="])
def test_what_is_no_b64token_is_refused(token: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        token_of([authorization(b"Bearer " + token)])
    assert refused.value.reason == "malformed"


def test_s026_a_token_over_the_cap_is_refused_and_one_at_the_cap_is_not() -> None:
    assert token_of([authorization(b"Bearer " + b"a" * MAX_TOKEN)]) == "a" * MAX_TOKEN
    with pytest.raises(Unauthenticated) as refused:
        token_of([authorization(b"Bearer " + b"a" * (MAX_TOKEN + 1))])
    assert refused.value.reason == "too-long"


def test_s030_a_token_in_the_query_is_not_looked_at() -> None:
    """Headers alone are looked at; a query that a proxy copied into a header is not one of them either."""
    assert token_of([HOST, (b"x-original-url", b"/home?access_token=abc"), (b"referer", b"/?bearer=abc")]) is None
