"""A call as bytes: exactly what goes out, and what can never go out."""

import pytest

from bff.deadline import Deadline
from bff.upstream.call import Call, Headers, Trace
from bff.upstream.http1_request import LINES, RequestWriter

WRITER = RequestWriter("users:9101")


def call(method: str = "GET", target: str = "/", headers: Headers = (), body: bytes = b"") -> Call:
    return Call("users", method, target, Deadline(0), headers, body)


def render(call: Call) -> bytes:
    return WRITER.render(call, 0.5, "00f067aa0ba902b7")


def test_a_request_as_it_goes_out() -> None:
    assert render(call("GET", "/users/7?a=b%20c", (("x-tag", "7"), ("x", "a\tb \xe9")))) == (
        b"GET /users/7?a=b%20c HTTP/1.1\r\nhost: users:9101\r\nuser-agent: thali\r\naccept: */*\r\n"
        b"accept-encoding: identity\r\nx-tag: 7\r\nx: a\tb \xe9\r\nrequest-timeout: 490\r\n\r\n"
    )


def test_a_traced_call_tells_its_attempts_span_and_the_state_as_it_came() -> None:
    traced = call()
    traced.trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "01", "congo=t61rcWkgMzE")
    sent = render(traced)
    assert b"\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n" in sent
    assert b"\r\ntracestate: congo=t61rcWkgMzE\r\n" in sent
    traced.trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736")
    assert b"tracestate" not in render(traced)


def test_a_trace_that_could_break_out_is_refused() -> None:
    traced = call()
    traced.trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", state="a=b\r\nx: y")
    with pytest.raises(ValueError, match="trace"):
        render(traced)


@pytest.mark.parametrize("name", ["Request-Timeout", "traceparent"])
def test_what_a_call_states_of_time_and_trace_is_sent_once_as_stated(name: str) -> None:
    traced = call(headers=((name, "7"),))
    traced.trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736")
    sent = render(traced).lower()
    assert sent.count(f"{name.lower()}: ".encode()) == sent.count(f"{name.lower()}: 7\r\n".encode()) == 1


@pytest.mark.parametrize(("left", "told"), [(0.5, b"490"), (0.0109, b"1"), (0.002, b"1")])
def test_a_backend_is_told_what_is_left_less_the_way_back(left: float, told: bytes) -> None:
    assert b"\r\nrequest-timeout: %b\r\n" % told in WRITER.render(call(), left)


def test_a_stated_default_is_sent_once_as_stated() -> None:
    sent = render(call(headers=(("Accept", "text/xml"), ("user-agent", "mine"))))
    assert sent.lower().count(b"accept:") == sent.lower().count(b"user-agent:") == 1
    assert b"Accept: text/xml\r\n" in sent
    assert b"accept-encoding: identity\r\n" in sent


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("body", [b"", b"\x00\xff{}", b"x" * 1_000_000])
def test_a_body_follows_its_length(method: str, body: bytes) -> None:
    head, _, sent = render(call(method, body=body)).partition(b"\r\n\r\n")
    assert sent == body
    assert head.endswith(b"content-length: %d" % len(body))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_no_body_no_length_where_none_is_meant(method: str) -> None:
    assert b"content-length" not in render(call(method))


@pytest.mark.parametrize(
    "target",
    ["", "users", "http://evil/", "*", "/a b", "/a\r\nX: y", "/a\n", "/a\x00", "/a\tb", "/a\x7f", "/\xe9", "/a#b", "/ "],
)
def test_a_target_that_could_break_out_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        render(call(target=target))


@pytest.mark.parametrize("method", ["", "get", "GET /x", "GET\r\n", "CONNECT", "GÉT"])
def test_a_method_that_could_break_out_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        render(call(method))


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\n", "x\x00", "é", "x\n"])
def test_a_header_name_that_could_break_out_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="header name"):
        render(call(headers=((name, "v"),)))


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\x00", "a\x7f", "a\n", "a\u2028b", "\U0001f600", "\x85"])
def test_a_header_value_that_could_break_out_is_refused(value: str) -> None:
    if value == "\x85":  # a control of latin-1 is obs-text on the wire (RFC 9110 section 5.5): one byte, no line break
        assert b"x: \x85\r\n" in render(call(headers=(("x", value),)))
        return
    with pytest.raises(ValueError):  # noqa: PT011 (what latin-1 cannot say is told by its UnicodeEncodeError)
        render(call(headers=(("x", value),)))


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "connection", "TE", "upgrade", "expect", "keep-alive"]
)
def test_a_header_that_the_wire_sets_is_refused(name: str) -> None:
    for _ in range(2):  # remembering good names must not let a bad one in the second time
        with pytest.raises(ValueError, match="wire's own"):
            render(call(headers=((name, "1"),)))


@pytest.mark.parametrize("place", [0, 300, 599])
def test_a_long_value_that_could_break_out_is_refused_each_time_it_comes(place: int) -> None:
    """Good ones are looked over once; that must let no bad one by, nor one that is good but for a character."""
    good = "a" * 600
    bad = f"{good[:place]}\n{good[place + 1 :]}"
    for _ in range(2):
        render(call(headers=(("x", good),)))
        with pytest.raises(ValueError, match="header x"):
            render(call(headers=(("x", bad),)))


@pytest.mark.parametrize(
    "header", [("x-{}", "v"), ("x", "{}"), ("x", "{:600}"), ("x", "{:9000}")], ids=["names", "values", "long", "very-long"]
)
def test_headers_made_up_by_a_caller_are_sent_and_not_kept_without_end(header: tuple[str, str]) -> None:
    name, value = header
    for number in range(1_000):
        made = name.format(number), value.format(number)
        assert f"\r\n{made[0]}: {made[1]}\r\n".encode() in render(call(headers=(made,)))
    assert len(LINES) <= 512
    assert sum(len(line) for _, line in LINES.values()) <= 512 * 2048


def test_a_header_is_remembered_by_its_name_and_its_value() -> None:
    for name, value in (("x", "a"), ("x", "b"), ("X", "a"), ("y", "a"), ("x", "a")):
        assert f"\r\n{name}: {value}\r\n".encode() in render(call(headers=((name, value),)))
