"""The plain listener speaks HTTP/1.1 and nothing else, so there is nothing to be rapidly reset (S091)."""

import pytest

from tests.security.kit import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS_FRAME = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
ASK = b"GET /mobile/v1/guest/home HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: %s\r\n%s\r\n"


async def test_s091_a_client_that_begins_with_http2_is_not_answered_in_it(door: Door) -> None:
    opened = b"\x00\x00\x04\x01\x05\x00\x00\x00\x01\x82\x84\x86\x41"
    reset = b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08"
    answer = await door.raw(PREFACE + SETTINGS_FRAME + (opened + reset) * 10_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert door.reached == 0


async def test_s091_nobody_is_upgraded(door: Door) -> None:
    more = b"upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
    answer = await door.raw(ASK % (b"close, Upgrade, HTTP2-Settings", more))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"101" not in answer.split(b"\r\n")[0]


@pytest.mark.parametrize("te", [b"trailers", b"gzip", b"chunked;q=1", b"trailers, deflate;q=0.5"])
async def test_s091_te_and_connection_are_of_this_connection_alone(door: Door, te: bytes) -> None:
    answer = await door.raw(ASK % (b"close, te", b"te: " + te + b"\r\n"))
    assert answer.startswith(b"HTTP/1.1 200")
    for name in ("users", "restaurants", "notifications"):
        for seen in door.product.backends.stub(name).seen:
            assert "te" not in seen.headers
            assert "http2-settings" not in seen.headers
