"""Stopping loses nothing: not a request on a connection that rested, not one that waits in the accept queue."""

import os
import signal

import pytest

from tests.server.keepalive_load import Tally, keepalive_load
from tests.server.running_server import Running, options, serving

# Enough resting connections that at a stop some dozens rest at any moment.
BUSY, RESTING = 8, 64

# Shorter than the keep-alive timeout on purpose: the door has to wait for the resting connections by itself.
DRAIN = 0.5


def check(tally: Tally, answered: int) -> None:
    assert tally.failed == []
    assert tally.closed_at_rest == []  # a client that does not look before it reuses would have failed there
    assert tally.answered > answered
    assert tally.reused > RESTING // 2
    assert tally.told_to_close > RESTING // 2


async def replaced(server: Running, old: int) -> None:
    await server.until(lambda states: old not in states and list(states.values()) == ["ready"] * len(states))


@pytest.mark.slow
async def test_stopping_one_of_two_workers_under_load_fails_no_request() -> None:
    async with serving(options(workers=2, drain=DRAIN)) as server:
        async with keepalive_load(server.public, BUSY, RESTING) as tally:
            await tally.warm.wait()
            for _ in range(3):
                old = next(iter(await server.states()))
                os.kill(old, signal.SIGTERM)
                await replaced(server, old)
        check(tally, 1000)


@pytest.mark.slow
async def test_a_reload_under_load_fails_no_request() -> None:
    async with serving(options(drain=DRAIN)) as server:
        async with keepalive_load(server.public, BUSY, RESTING) as tally:
            (old,) = await server.states()
            await tally.warm.wait()
            server.signal(signal.SIGHUP)
            await replaced(server, old)
        check(tally, 300)


@pytest.mark.slow
async def test_sigterm_under_load_fails_no_request_once_the_balancer_has_seen_it() -> None:
    async with serving(options(workers=2, drain=DRAIN)) as server:
        async with keepalive_load(server.public, BUSY, RESTING) as tally:
            await tally.warm.wait()
            server.signal(signal.SIGTERM)
            readiness = await server.get(server.admin + "/readyz")
            assert (readiness.status_code, readiness.json()["state"]) == (503, "stopping")
            tally.only_kept = True
            assert await server.ended() == 0
        check(tally, 100)
