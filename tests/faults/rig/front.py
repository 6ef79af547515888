"""What each mutation of the front door breaks: identity, its keys, its clocks, and slow clients."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final
from unittest.mock import patch

from bff.state.redis_wire import Reply

SKEW: Final = 300.0  # seconds, F34


def no_header_timer() -> AbstractContextManager[object]:
    return patch("bff.server.listener.HEADER_TIMEOUT", 60.0)


def sent_whole() -> AbstractContextManager[object]:
    """One part, however long, and all the time in the world for it."""
    return patch.multiple("bff.gateway.slow_reader", PART=1 << 40, SMALL=1 << 40)


def keys_forgotten() -> AbstractContextManager[object]:
    """Keys end with their soft TTL, as PyJWKClient has it."""
    return patch("bff.identity.jwks.HARD_TTL", 300.0)


def no_forced_fetch() -> AbstractContextManager[object]:
    """A kid that is not here is no reason to fetch: new keys come when the old ones are stale."""
    from bff.identity.jwks import KeySet

    real = KeySet.find

    async def find(self: KeySet, kid: str) -> object:
        return self.held(kid) if self._usable() else await real(self, kid)

    return patch.object(KeySet, "find", find)


def no_gap() -> AbstractContextManager[object]:
    return patch.multiple("bff.identity.jwks", GAP=0.0, NEGATIVE_TTL=0.0)


@contextmanager
def clock(offset: float) -> Iterator[None]:
    """The wall clock of this process is wrong; its monotonic one runs on. Before anything has taken `time.time` by name."""
    real = time.time
    with patch("time.time", lambda: real() + offset), patch("time.time_ns", lambda: int((real() + offset) * 1e9)):
        yield


def ahead() -> AbstractContextManager[object]:
    return clock(SKEW)


def behind() -> AbstractContextManager[object]:
    return clock(-SKEW)


def alone() -> AbstractContextManager[object]:
    """Each instance believes that it is the only one."""
    from bff.state.limits_fleet import Fleet

    return patch.object(Fleet, "live", 1)


def sent_once() -> AbstractContextManager[object]:
    """A script that the server does not know stays unknown."""
    from bff.state import redis

    return patch.object(redis, "NoScriptError", type("Never", (Exception,), {}))


def answers_skip() -> AbstractContextManager[object]:
    """An answer goes to the first who still waits, as it does in a client that forgets who has gone."""
    from bff.state.redis_link import Link

    real = Link._replied

    def replied(self: Link, reply: Reply) -> None:
        while len(self._asked) > 1 and self._asked[0].answer.done():
            self._asked.popleft()
        real(self, reply)

    return patch.object(Link, "_replied", replied)
