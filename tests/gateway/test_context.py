"""What a request says of itself, and what its upstream calls know of that."""

import pytest

from bff.testing import StubService
from bff.upstream.call import Call, Reply
from bff.upstream.service import Service
from bff.upstream.upstreams import Upstreams
from tests.gateway.kit import Kit
from tests.identity.tokens import JWKS, Documents, key_set


class Said:
    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply(200, [(b"content-type", b"application/json")], b'"Ada"')

    async def close(self) -> None: ...


@pytest.mark.parametrize(("attempt", "retry"), [(None, None), ("0", None), ("1", False), ("2", False), ("odd", False)])
@pytest.mark.parametrize("target", ["/shop/v1/open", "/api/users"])
async def test_what_its_caller_repeats_is_not_repeated_by_us_on_a_screen_or_a_plain_route(
    target: str, attempt: str | None, retry: bool | None
) -> None:
    said = Said()
    kit = Kit(StubService({}), Upstreams({"users": Service("users", said)}), Documents({JWKS: key_set()}))
    await kit.ask(target, headers={} if attempt is None else {"x-attempt": attempt})
    (call,) = said.calls
    assert call.policy.retry is retry
    assert "x-attempt" not in dict(call.headers), "how often it came to us is not how often it goes on"
