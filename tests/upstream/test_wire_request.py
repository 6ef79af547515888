"""A call as bytes: exactly what goes out, and what can never go out."""

import pytest

from bff.deadline import Deadline
from bff.upstream.call import Call, Headers
from bff.upstream.http1_request import RequestWriter

WRITER = RequestWriter("users:9101")


def call(method: str = "GET", target: str = "/", headers: Headers = (), body: bytes = b"") -> Call:
    return Call("users", method, target, Deadline(0), headers, body)


def test_a_request_as_it_goes_out() -> None:
    assert WRITER.render(call("GET", "/users/7?a=b%20c", (("traceparent", "00-1-2-01"), ("x", "a\tb \xe9")))) == (
        b"GET /users/7?a=b%20c HTTP/1.1\r\nhost: users:9101\r\nuser-agent: thali\r\naccept: */*\r\n"
        b"accept-encoding: identity\r\ntraceparent: 00-1-2-01\r\nx: a\tb \xe9\r\n\r\n"
    )


def test_a_stated_default_is_sent_once_as_stated() -> None:
    sent = WRITER.render(call(headers=(("Accept", "text/xml"), ("user-agent", "mine"))))
    assert sent.lower().count(b"accept:") == sent.lower().count(b"user-agent:") == 1
    assert b"Accept: text/xml\r\n" in sent
    assert b"accept-encoding: identity\r\n" in sent


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("body", [b"", b"\x00\xff{}", b"x" * 1_000_000])
def test_a_body_follows_its_length(method: str, body: bytes) -> None:
    head, _, sent = WRITER.render(call(method, body=body)).partition(b"\r\n\r\n")
    assert sent == body
    assert head.endswith(b"content-length: %d" % len(body))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_no_body_no_length_where_none_is_meant(method: str) -> None:
    assert b"content-length" not in WRITER.render(call(method))


@pytest.mark.parametrize(
    "target",
    ["", "users", "http://evil/", "*", "/a b", "/a\r\nX: y", "/a\n", "/a\x00", "/a\tb", "/a\x7f", "/\xe9", "/a#b", "/ "],
)
def test_a_target_that_could_break_out_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        WRITER.render(call(target=target))


@pytest.mark.parametrize("method", ["", "get", "GET /x", "GET\r\n", "CONNECT", "GÉT"])
def test_a_method_that_could_break_out_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        WRITER.render(call(method))


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\n", "x\x00", "é", "x\n"])
def test_a_header_name_that_could_break_out_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        WRITER.render(call(headers=((name, "v"),)))


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\x00", "a\x7f", "a\n", "a\u2028b", "\U0001f600", "\x85"])
def test_a_header_value_that_could_break_out_is_refused(value: str) -> None:
    if value == "\x85":  # a control of latin-1 is obs-text on the wire (RFC 9110 section 5.5): one byte, no line break
        assert b"x: \x85\r\n" in WRITER.render(call(headers=(("x", value),)))
        return
    with pytest.raises(ValueError):  # noqa: PT011 (what latin-1 cannot say is told by its UnicodeEncodeError)
        WRITER.render(call(headers=(("x", value),)))


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "connection", "TE", "upgrade", "expect", "keep-alive"]
)
def test_a_header_that_the_wire_sets_is_refused(name: str) -> None:
    for _ in range(2):  # remembering good names must not let a bad one in the second time
        with pytest.raises(ValueError, match="wire's own"):
            WRITER.render(call(headers=((name, "1"),)))


def test_names_made_up_by_a_caller_are_not_kept_without_end() -> None:
    writer = RequestWriter("users:9101")
    for number in range(1000):
        writer.render(call(headers=((f"x-{number}", "v"),)))
    assert len(writer._names) <= 256
