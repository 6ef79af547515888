"""What every answer carries, and what no line of the log can be made to say (S147, S148); guests who never get in."""

import asyncio
import json
import re

import httpx
import pytest

from bff.testing.faults import Fault, Kind
from tests.product.world import access_lines
from tests.security.kit import CANARY, Door, clean

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}
# One request for each kind of answer: (method, path, headers, body, status).
ANSWERS: dict[str, tuple[str, str, dict[str, str], str | None, int]] = {
    "a screen": ("GET", "/mobile/v1/account", {"authorization": "user"}, None, 200),
    "a screen's head": ("HEAD", "/mobile/v1/account", {"authorization": "user"}, None, 200),
    "GraphQL": ("POST", "/mobile/graphql", {"authorization": "user", **JSON}, '{"query": "{ __typename }"}', 200),
    "a GraphQL error": ("POST", "/web/graphql", {"authorization": "user", **JSON}, '{"query": "{ nope }"}', 200),
    "a plain route": ("POST", "/api/v1/login", JSON, '{"email": "x@example.org", "password": "wrong"}', 401),
    "a problem's page": ("GET", "/problems/not-found", {}, None, 200),
    "an ambiguous path": ("GET", "/mobile/v1/%2e%2e/x", {}, None, 400),
    "no identity": ("GET", "/mobile/v1/account", {}, None, 401),
    "a bad token": ("GET", "/mobile/v1/account", {"authorization": "Bearer x.y.z"}, None, 401),
    "no right": ("GET", "/mobile/v1/account", {"authorization": "no right"}, None, 403),
    "nothing there": ("GET", "/nope", {}, None, 404),
    "a wrong method": ("DELETE", "/mobile/v1/account", {"authorization": "user"}, None, 405),
    "nothing acceptable": ("GET", "/mobile/v1/account", {"authorization": "user", "accept": "image/png"}, None, 406),
    "a long query": ("GET", f"/mobile/v1/search?q={'a' * 9000}", {}, None, 414),
    "another media type": ("POST", "/mobile/graphql", {"authorization": "user", "content-type": "text/xml"}, "<a/>", 415),
    "another host": ("GET", "/mobile/v1/guest/home", {"host": "evil.example"}, None, 421),
    "an invalid input": ("GET", "/mobile/v1/search?limit=0", {}, None, 422),
}
# OWASP REST Security Cheat Sheet, "Security headers"; strict-transport-security only where there is TLS.
ALWAYS = {
    "x-content-type-options": r"nosniff",
    "cache-control": r"no-store|.*(private|public|max-age).*",
    "content-security-policy": r".*frame-ancestors 'none'.*",
    "referrer-policy": r"no-referrer",
    "x-request-id": r"[A-Za-z0-9._-]{1,64}",
}
NEVER = ("x-powered-by", "via", "x-aspnet-version", "set-cookie", "access-control-allow-origin")


@pytest.mark.parametrize("name", ANSWERS)
async def test_s147_every_answer_carries_the_security_headers(door: Door, name: str) -> None:
    method, path, headers, body, status = ANSWERS[name]
    answer = await door.ask(method, path, headers=authorized(door, headers), content=body)
    assert answer.status_code == status, answer.text
    for header, wanted in ALWAYS.items():
        values = answer.headers.get_list(header)
        assert len(values) == 1, f"{header}: {values}"
        assert re.fullmatch(wanted, values[0]), f"{header}: {values[0]}"
    for header in NEVER:
        assert header not in answer.headers
    assert not re.search(r"[0-9]", answer.headers.get("server", "")), "the server tells its version"
    clean(answer.content)


async def test_s147_so_does_the_refusal_of_a_body_that_is_not_read(door: Door) -> None:
    head = b"POST /api/v1/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    answer = await door.raw(head + b"content-length: 1100000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    told = dict(line.split(": ", 1) for line in answer.partition(b"\r\n\r\n")[0].decode().splitlines()[1:])
    for header, wanted in ALWAYS.items():
        assert re.fullmatch(wanted, told[header]), header


@pytest.mark.parametrize(("fault", "status"), [("status", 502), ("reset", 503), ("malformed", 502), ("hang", 504)])
async def test_s147_so_does_every_failure(door: Door, fault: Kind, status: int) -> None:
    door.product.backends.stub("users").fault = Fault(fault, status=500)
    answer = await door.ask("GET", "/mobile/v1/account", token=door.product.token)
    assert answer.status_code in (status, 503), answer.text  # 503 once the breaker is open
    for header, wanted in ALWAYS.items():
        assert re.fullmatch(wanted, answer.headers[header]), header
    clean(answer.content)


def authorized(door: Door, headers: dict[str, str]) -> dict[str, str]:
    tokens = {"user": door.product.token, "no right": door.product.backends.world.tokens.sign("7", ["orders:read"])}
    given = headers.get("authorization")
    return headers | {"authorization": f"Bearer {tokens[given]}"} if given in tokens else headers


ODD = {
    "a new line": f"{CANARY}\r\n" + '{"audit":"forged"}',
    "a bare line feed": f'{CANARY}\n{{"audit":"forged"}}',
    "ANSI": f"\x1b[2J\x1b[31m{CANARY}\x1b]0;title\x07",
    "a way out of JSON": f'{CANARY}","audit":"forged","x":"',
    "a backslash": f'{CANARY}\\","audit":"forged',
    "line separators": f"{CANARY}\u2028\u2029\u0085",
    "a format": f"{CANARY}%s%n${{jndi:ldap://x/a}}{{0}}",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=[f"S148 {name}" for name in ODD])
async def test_no_client_can_write_a_line_of_its_own(door: Door, odd: str) -> None:
    """Wherever a client puts it, each line of a request stays one JSON object of ours."""
    door.product.lines.clear()
    value = odd.encode()
    places = [
        b"GET /mobile/v1/" + value + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        b"GET /mobile/v1/search?q=" + value + b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        value + b" /mobile/v1/search HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
    ]
    names = ("host", "x-request-id", "user-agent", "accept-language", "traceparent", "x-forwarded-for", "authorization",
             "app-version", "referer", "idempotency-key", "x-api-key", "origin", "cookie")  # fmt: skip
    for name in names:
        own = b"" if name == "host" else b"host: 127.0.0.1\r\n"
        places.append(
            b"GET /mobile/v1/guest/home HTTP/1.1\r\nconnection: close\r\n" + own + name.encode() + b": " + value + b"\r\n\r\n"
        )
    for sent in places:
        clean(await door.raw(sent))
    await door.ask("POST", "/mobile/graphql", headers=JSON, content=json.dumps({"query": odd, "operationName": odd}))
    await door.ask("POST", "/api/v1/login", headers=JSON, content=json.dumps({"email": odd, "password": odd}))
    end = await door.ask("GET", "/mobile/v1/search?limit=0")
    await door.lines(end.headers["x-request-id"])
    written = "".join(door.product.lines)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]", written)
    for line in door.product.lines:
        if line.startswith("{"):
            assert json.loads(line).get("audit") in (None, "refusal"), line
        else:  # the gateway's own word of its state, in a client's words in no part
            assert CANARY not in line, line
            assert "forged" not in line, line
    for parsed in access_lines(door.product.lines):
        parsed.pop("user")  # a verified subject: a token's own, never a header's
        assert CANARY not in json.dumps(parsed)


GUESTS = 10_000
LANES = 10


async def test_s029_ten_thousand_requests_without_identity_reach_no_backend(door: Door) -> None:
    """Without a token and with bad ones, at screens, GraphQL and routes: a backend hears of none of them (D3)."""
    bad = ["", "authorization: Bearer x.y.z\r\n", f"authorization: Bearer {door.product.token[:-4]}AAAA\r\n"]
    paths = ["/mobile/v1/account", "/mobile/v1/orders", "/web/v1/account", "/web/v1/orders/1/tracking"]
    asks = [f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{token}\r\n".encode() for path in paths for token in bad]
    query = b'{"query":"{ account { profile { name } } }"}'
    head = "POST /mobile/graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(query)}\r\n"
    asks += [(head + token + "\r\n").encode() + query for token in bad]
    statuses: dict[int, int] = {}

    async def lane() -> None:
        reader, writer = await asyncio.open_connection(door.host, door.port)
        for number in range(GUESTS // LANES):
            writer.write(asks[number % len(asks)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer)
            assert length is not None
            body = await reader.readexactly(int(length[1]))
            status = int(answer[9:12])
            if b"/problems/unauthenticated" in body:  # GraphQL tells it in its own way
                status = 401
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())
    assert sum(statuses.values()) == GUESTS
    assert set(statuses) <= {401, 429}, statuses
    assert door.reached == 0


async def test_a_guest_gets_what_is_for_guests(door: Door) -> None:
    """So that the counters above are known to count."""
    answer: httpx.Response = await door.ask("GET", "/mobile/v1/guest/home")
    assert answer.status_code == 200
    assert door.reached > 0
