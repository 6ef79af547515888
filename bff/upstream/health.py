"""Active checks: a GET to every instance now and then, over the wire that calls take, so that it tells what calls meet."""

import asyncio
from collections.abc import Callable
from typing import Final

from bff.deadline import LOOP_CLOCK, Clock, Deadline, sleep
from bff.errors import BackendError
from bff.service_settings import HealthSettings
from bff.upstream.call import Attempt, Call
from bff.upstream.peers import Peer, Peers

# At once: a thousand instances that all hang are still looked at within a minute, and cost few sockets.
_AT_ONCE: Final = 20
# By how much of itself a pause varies, so that the workers of a fleet do not check in step.
_JITTER: Final = 0.1


class HealthChecks:
    """Checks each instance about every `every` seconds. `unhealthy_after` failures in a row take it out of the balance,
    `healthy_after` good ones bring it back, also when it was ejected before them."""

    def __init__(
        self,
        service: str,
        peers: Peers,
        settings: HealthSettings,
        path: str,
        draw: Callable[[], float],
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self._service, self._peers, self._settings, self._path = service, peers, settings, path
        self._draw, self._clock = draw, clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running loop; more than once is the same as once."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            self._peers.look(self._clock.now())  # instances come and go although nobody calls
            peers = self._peers.all
            for first in range(0, len(peers), _AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    for peer in peers[first : first + _AT_ONCE]:
                        group.create_task(self._check(peer))
            await self._pause()

    async def _check(self, peer: Peer) -> None:
        settings, clock = self._settings, self._clock
        call = Call(self._service, "GET", self._path, Deadline.after(settings.timeout, clock))
        try:
            reply = await peer.wire.send(call, Attempt(peer.name, "first", clock.now()))
            self.judge(peer, 200 <= reply.status < 300)
        except BackendError as error:
            if not error.ours:
                self.judge(peer, well=False)

    def judge(self, peer: Peer, well: bool) -> None:
        """Count one check of an instance, and take it out or back when that makes enough of them."""
        peer.checks = max(peer.checks, 0) + 1 if well else min(peer.checks, 0) - 1
        instance = peer.instance
        if peer.checks >= self._settings.healthy_after and (peer.stats.ejected or not instance.healthy):
            peer.since = instance.ejected_until = self._clock.now()  # let in as slowly as a new one
            instance.healthy = True
            self._peers.stale()
        elif -peer.checks >= self._settings.unhealthy_after and instance.healthy:
            instance.healthy = False
            self._peers.stale()

    async def _pause(self) -> None:
        await sleep(self._settings.every * (1 + _JITTER * (2 * self._draw() - 1)), self._clock)
