"""What is told of a body that is not there."""

from bff.faces.answer import Answer
from bff.gateway.request import Request
from bff.gateway.write import write
from tests.gateway.kit import Peer


async def lengths(method: str, answer: Answer) -> list[bytes]:
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    request = Request({"type": "http", "method": method, "headers": []}, Peer().receive, 0.0)
    await write(request, answer, send, closing=True)
    headers = sent[0]["headers"]
    assert isinstance(headers, list)
    assert headers.count((b"connection", b"close")) == 1
    return [value for name, value in headers if name == b"content-length"]


async def test_the_length_of_a_head_is_told_only_when_it_is_known() -> None:
    """RFC 9110 section 8.6: a plain route's backend keeps the body of a HEAD, and 0 would be a lie about it."""
    assert await lengths("HEAD", Answer(200, b"")) == []
    assert await lengths("HEAD", Answer(200, b"{}")) == [b"2"]
    assert await lengths("GET", Answer(200, b"")) == [b"0"]


async def test_an_answer_that_closes_by_itself_says_so_once() -> None:
    assert await lengths("GET", Answer(400, b"{}", headers=[(b"connection", b"close")])) == [b"2"]
