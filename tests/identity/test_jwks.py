"""The keys of an issuer: one fetch for all who wait, old keys while it is down, no storm."""

import asyncio
from contextvars import ContextVar

import pytest

from bff.errors import BackendUnreachable
from bff.identity.jwks import COLD_GAP, GAP, HARD_TTL, MAX_NEGATIVE, NEGATIVE_TTL, SOFT_TTL, KeySet
from bff.identity.key_document import KeysNotHad
from tests.identity.tokens import JWKS, Documents, Time, key_set, signer

ONE = key_set(signer("k1", "ES256").jwk())
TWO = key_set(signer("k1", "ES256").jwk(), signer("k2", "ES256").jwk())


class Gated:
    """A fetch that ends when the test says so."""

    def __init__(self, body: bytes) -> None:
        self.body, self.gate, self.calls, self.cancelled = body, asyncio.Event(), 0, 0

    async def __call__(self, url: str) -> bytes:
        self.calls += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.body


def published(body: bytes = ONE) -> Documents:
    return Documents({JWKS: body})


async def idle() -> None:
    """Let every task that can run, run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_thousand_who_wait_for_a_cold_set_cause_one_fetch() -> None:
    fetch = Gated(ONE)
    keys = KeySet(JWKS, fetch, Time().now)
    waiters = [asyncio.create_task(keys.find("k1")) for _ in range(1000)]
    await idle()
    fetch.gate.set()
    found = await asyncio.gather(*waiters)
    assert fetch.calls == 1
    assert len(set(map(id, found))) == 1
    assert found[0] is keys.held("k1") is not None
    await keys.close()


async def test_a_waiter_that_is_cancelled_harms_nobody() -> None:
    fetch = Gated(ONE)
    keys = KeySet(JWKS, fetch, Time().now)
    waiters = [asyncio.create_task(keys.find("k1")) for _ in range(10)]
    await idle()
    for first in waiters[:5]:  # among them the one that started it
        first.cancel()
    await idle()
    fetch.gate.set()
    ended = await asyncio.gather(*waiters, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in ended] == [True] * 5 + [False] * 5
    assert (fetch.calls, fetch.cancelled) == (1, 0)
    assert ended[5] is keys.held("k1")
    await keys.close()


async def test_the_fetch_runs_in_nobodys_context() -> None:
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    seen: list[str] = []

    async def fetch(url: str) -> bytes:
        seen.append(whose.get())
        return ONE

    keys = KeySet(JWKS, fetch, Time().now)
    whose.set("the first caller's")
    await keys.find("k1")
    assert seen == ["nobody's"]
    await keys.close()


async def test_keys_that_get_old_serve_on_while_one_fetch_runs_behind() -> None:
    clock, fetch = Time(), Gated(ONE)
    fetch.gate.set()
    keys = KeySet(JWKS, fetch, clock.now)
    await keys.warm()
    fetch.gate.clear()
    clock.at = SOFT_TTL
    assert keys.held("k1") is not None
    assert keys.fetches == 1
    clock.at = SOFT_TTL + 1
    for _ in range(100):
        assert keys.held("k1") is not None
    await idle()
    assert fetch.calls == 2
    fetch.body = key_set(signer("k2", "ES256").jwk())
    fetch.gate.set()
    await idle()
    assert keys.held("k1") is None  # taken out of the set, so gone
    assert keys.held("k2") is not None
    await keys.close()


async def test_old_keys_serve_a_day_and_then_no_more() -> None:
    clock, documents = Time(), published()
    keys = KeySet(JWKS, documents, clock.now)
    await keys.warm()
    documents.by_url.clear()
    clock.at = HARD_TTL
    assert keys.held("k1") is not None
    await idle()
    clock.at = HARD_TTL + 1
    assert keys.held("k1") is None
    with pytest.raises(BackendUnreachable, match="unreachable"):
        await keys.find("k1")
    documents.by_url[JWKS] = ONE
    clock.at += GAP
    assert await keys.find("k1") is not None
    await keys.close()


async def test_while_there_are_no_keys_the_issuer_is_asked_once_a_second() -> None:
    clock, documents = Time(), Documents()
    keys = KeySet(JWKS, documents, clock.now)
    for step in range(40):
        clock.at = step * COLD_GAP / 4
        with pytest.raises(BackendUnreachable):
            await keys.find("k1")
    assert len(documents.asked) == 10
    documents.by_url[JWKS] = ONE
    clock.at += COLD_GAP
    assert await keys.find("k1") is not None
    await keys.close()


async def test_an_unknown_kid_is_asked_for_once_in_thirty_seconds() -> None:
    clock, documents = Time(), published()
    keys = KeySet(JWKS, documents, clock.now)
    await keys.warm()
    for step in range(100):
        clock.at = step * 0.9
        assert await keys.find(f"new-{step}") is None
        await idle()
    assert len(documents.asked) == 3  # at 0, 30 and 60 seconds
    await keys.close()


async def test_a_kid_that_the_issuer_did_not_know_waits_no_more_and_is_found_once_published() -> None:
    clock, fetch = Time(), Gated(ONE)
    fetch.gate.set()
    keys = KeySet(JWKS, fetch, clock.now)
    await keys.warm()
    clock.at = GAP
    assert await keys.find("k2") is None  # waited for a fetch, which did not have it
    assert fetch.calls == 2
    fetch.gate.clear()
    fetch.body = TWO
    clock.at = 2 * GAP
    assert await keys.find("k2") is None  # waits for nothing now, though a fetch runs behind
    await idle()
    assert fetch.calls == 3
    fetch.gate.set()
    await idle()
    assert await keys.find("k2") is not None
    await keys.close()


async def test_a_kid_that_was_asked_for_in_an_outage_is_not_held_to_be_unknown() -> None:
    clock, documents = Time(), published()
    keys = KeySet(JWKS, documents, clock.now)
    await keys.warm()
    documents.by_url.clear()
    clock.at = GAP
    assert await keys.find("k2") is None
    documents.by_url[JWKS] = TWO
    clock.at = 2 * GAP
    assert await keys.find("k2") is not None
    await keys.close()


async def test_what_is_remembered_of_unknown_kids_has_an_end() -> None:
    clock, fetch = Time(), Gated(ONE)
    fetch.gate.set()
    keys = KeySet(JWKS, fetch, clock.now)
    await keys.warm()
    clock.at = GAP
    fetch.gate.clear()
    waiters = [asyncio.create_task(keys.find(f"x{number}")) for number in range(MAX_NEGATIVE + 50)]
    await idle()
    fetch.gate.set()
    assert await asyncio.gather(*waiters) == [None] * (MAX_NEGATIVE + 50)
    assert len(keys._unknown) == MAX_NEGATIVE
    clock.at += NEGATIVE_TTL
    assert not keys._known_unknown(f"x{MAX_NEGATIVE}")
    await keys.close()


async def test_a_fetch_that_hangs_is_ended_and_told_as_such() -> None:
    fetch = Gated(ONE)
    keys = KeySet(JWKS, fetch, Time().now, timeout=0.01)
    with pytest.raises(BackendUnreachable, match="TimeoutError"):
        await keys.find("k1")
    assert fetch.cancelled == 1
    await keys.close()


async def test_closing_ends_the_fetch_and_those_who_wait_are_told() -> None:
    fetch = Gated(ONE)
    keys = KeySet(JWKS, fetch, Time().now, timeout=60)
    waiter = asyncio.create_task(keys.find("k1"))
    await idle()
    async with asyncio.timeout(5):
        await keys.close()
    with pytest.raises(BackendUnreachable):
        await waiter
    assert fetch.cancelled == 1
    with pytest.raises(BackendUnreachable):
        await keys.find("k1")
    assert fetch.calls == 1


async def test_a_bug_in_the_fetch_shows() -> None:
    async def broken(url: str) -> bytes:
        raise LookupError("a bug")

    keys = KeySet(JWKS, broken, Time().now)
    with pytest.raises(LookupError, match="a bug"):
        await keys.find("k1")
    await keys.close()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"keys": []}', b'{"keys": {}}', b'{"keys": [1, null, {}]}', b"\xff"])
async def test_whatever_comes_instead_of_keys_leaves_the_old_ones(body: bytes) -> None:
    clock, documents = Time(), published()
    keys = KeySet(JWKS, documents, clock.now)
    await keys.warm()
    documents.by_url[JWKS] = body
    clock.at = SOFT_TTL + 1
    assert keys.held("k1") is not None
    await idle()
    assert keys.fetches == 2
    assert keys.last_fault is not None
    assert keys.held("k1") is not None
    await keys.close()


async def test_a_socket_error_is_an_outage_too() -> None:
    for error in (OSError("no route"), KeysNotHad("status 500")):

        async def fetch(url: str, error: Exception = error) -> bytes:
            raise error

        keys = KeySet(JWKS, fetch, Time().now)
        with pytest.raises(BackendUnreachable, match=str(error)):
            await keys.find("k1")
        await keys.close()
