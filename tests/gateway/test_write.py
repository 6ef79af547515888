"""The headers that every answer carries (S147), and how a long one is sent."""

from collections.abc import Iterable

import pytest
from starlette.types import Message

from bff.faces.answer import PROBLEM_TYPE, Answer, Headers
from bff.gateway.request import Request
from bff.gateway.slow_reader import PART, SMALL
from bff.gateway.write import write
from tests.gateway.kit import Peer, gateway, scope_of

ALWAYS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


async def written(answer: Answer, *, method: str = "GET", scheme: str = "http", added: Headers = []) -> list[Message]:  # noqa: B006 - only read
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    request = Request(scope_of("/x", method, []) | {"scheme": scheme}, Peer().receive, 0.0, id="r", headers=list(added))
    await write(request, answer, send, closing=False)
    return sent


async def headers_of(answer: Answer, *, scheme: str = "http", added: Headers = []) -> dict[str, str]:  # noqa: B006 - only read
    pairs: Iterable[tuple[bytes, bytes]] = (await written(answer, scheme=scheme, added=added))[0]["headers"]
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), "a header stands twice"
    return {name.decode(): value.decode() for name, value in pairs}


@pytest.mark.parametrize("status", [200, 204, 304, 401, 404, 421, 429, 500, 503])
@pytest.mark.parametrize("kind", [b"application/json", PROBLEM_TYPE, b"application/octet-stream"])
async def test_s147_every_answer_has_them_all(status: int, kind: bytes) -> None:
    found = await headers_of(Answer(status, b"{}", kind))
    assert ALWAYS.items() <= found.items()
    assert "strict-transport-security" not in found


@pytest.mark.parametrize(
    ("target", "status"),
    {"/shop/v1/open": 200, "/shop/v1/home": 401, "/nowhere": 404, "/x/../y": 400, "/shop/v1/broken": 500}.items(),
)
async def test_s147_so_does_every_answer_of_a_gateway(target: str, status: int) -> None:
    async with gateway() as kit:
        reply = await kit.ask(target)
        assert reply.status == status
        assert ALWAYS.items() <= reply.headers.items()


async def test_s147_browsers_are_told_to_stay_with_tls_only_over_tls() -> None:
    assert (await headers_of(Answer(200, b""), scheme="https"))["strict-transport-security"] == "max-age=31536000"


async def test_the_problem_pages_may_have_their_style_and_nothing_else() -> None:
    async with gateway() as kit:
        reply = await kit.ask("/problems/internal")
        policy = reply.headers["content-security-policy"]
        assert "<style>" in reply.body.decode()
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy


async def test_pictures_may_be_shown_by_pages_of_the_same_site() -> None:
    found = await headers_of(Answer(200, b"", b"image/jpeg"))
    assert found["cross-origin-resource-policy"] == "same-site"
    assert found["content-security-policy"] == ALWAYS["content-security-policy"]


async def test_what_an_answer_says_itself_wins_over_the_default_and_changes_no_other_answer() -> None:
    own = Answer(200, b"", headers=[(b"cache-control", b"max-age=60")])
    assert (await headers_of(own))["cache-control"] == "max-age=60"
    assert (await headers_of(Answer(200, b"")))["cache-control"] == "no-store"
    assert "x-a" in await headers_of(Answer(200, b""), added=[(b"x-a", b"1")])
    assert "x-a" not in await headers_of(Answer(200, b""))


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (PART, 1), (PART + 1, PART // SMALL + 1), (3 * PART, 3 * PART // SMALL)])
async def test_a_long_answer_goes_in_parts_and_comes_whole(size: int, parts: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    sent = await written(Answer(200, body[:size]))
    assert len(sent) == 1 + parts
    assert b"".join(message["body"] for message in sent[1:]) == body[:size]
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (parts - 1) + [False]


async def test_a_long_answer_to_head_has_no_body_at_all() -> None:
    (_, message) = await written(Answer(200, b"a" * (2 * PART)), method="HEAD")
    assert message["body"] == b""
