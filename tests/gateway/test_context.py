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


@pytest.mark.parametrize("attempt", [None, "0", "1", "2", "odd"])
@pytest.mark.parametrize("target", ["/shop/v1/open", "/api/users"])
async def test_a_stranger_who_says_that_he_repeats_a_request_changes_nothing(target: str, attempt: str | None) -> None:
    """S074; of a peer of ours it is believed: test_guard.py."""
    said = Said()
    kit = Kit(StubService({}), Upstreams({"users": Service("users", said)}), Documents({JWKS: key_set()}))
    await kit.ask(target, headers={} if attempt is None else {"x-attempt": attempt})
    (call,) = said.calls
    assert call.policy.retry is None
    assert "x-attempt" not in dict(call.headers), "how often it came to us is not how often it goes on"
