"""Picks the instance of each attempt, sends it there, reads its answer, and remembers what that tells of the instance."""

from collections.abc import Callable
from random import Random
from typing import Final

from bff.deadline import LOOP_CLOCK, Clock
from bff.errors import BackendError, BackendUnreachable
from bff.service_settings import ServiceSettings
from bff.upstream import choose
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.eject import Ejector
from bff.upstream.health import HealthChecks
from bff.upstream.instances import Instances
from bff.upstream.peers import Peer, Peers
from bff.upstream.stats import ServiceStats
from bff.upstream.verdict import of_error, of_status, of_time

_SUCCESS: Final = range(200, 300)


class Balance:
    """The innermost layer: one `send` is one attempt, added to `call.attempts`.

    The value of a 2xx answer is decoded here (`call.decode`), so that a promise broken counts against who broke it.
    Active checks begin with the first call. `chance` draws instances and span ids.

    From the first step of `send` to its end, however it ends, it is counted in `in_flight` of the service and of the
    instance. If calls are queued then, `freed` is called.
    """

    def __init__(
        self,
        service: str,
        instances: Instances,
        settings: ServiceSettings,
        stats: ServiceStats,
        *,
        clock: Clock = LOOP_CLOCK,
        chance: Random | None = None,
    ) -> None:
        chance = chance or Random()
        self._service, self._instances, self._stats, self._now = service, instances, stats, clock.now
        self._peers = Peers(instances, settings.balance)
        self._policy = _policy(settings, chance)
        self._observe = self._policy.observe if isinstance(self._policy, choose.PeakEwma) else None
        self._ejector = Ejector(self._peers, settings.eject) if settings.eject.on else None
        self._checks: HealthChecks | None = None
        if settings.health.path is not None:
            self._checks = HealthChecks(service, self._peers, settings.health, settings.health.path, chance.random, clock)
        self._bits = chance.getrandbits
        self.freed: Callable[[], None] = _nobody_waits

    async def send(self, call: Call) -> Reply:
        """The answer of the instance that is best to call now, or what its wire raises.

        Another one than those in `call.attempts` where there is one. BackendUnreachable while no instance is known.
        """
        now, peers, service = self._now(), self._peers, self._stats
        if now >= peers.until:
            self._look(now)
        peer = peers.only or self._pick(call, now)
        attempt = Attempt(peer.name, call.kind, now, f"{self._bits(64):016x}" if call.trace is not None else "")
        call.attempts.append(attempt)
        stats = peer.stats
        stats.in_flight += 1
        service.in_flight += 1
        try:
            reply = await peer.wire.send(call, attempt)
            status = reply.status
            if call.decode is not None and status in _SUCCESS:
                reply.value = call.decode(reply.body)
        except BaseException as error:
            self._not_good(peer, call, attempt, error)
            raise
        else:
            attempt.result = "200" if status == 200 else str(status)
            attempt.ended = ended = self._now()
            stats.latency.add(ended - now, ended)
            if status >= 400:  # all others are good (verdict.py)
                self._not_good(peer, call, attempt, reply)
                return reply
            stats.good += 1
            if peers.several and self._observe is not None:
                self._observe(peer, ended - now, "good", ended)
            return reply
        finally:
            stats.in_flight -= 1
            service.in_flight -= 1
            if service.queued:
                self.freed()

    async def close(self) -> None:
        """End the active checks and close every instance's connections."""
        if self._checks is not None:
            await self._checks.close()
        await self._instances.close()

    def _look(self, now: float) -> None:
        self._peers.look(now)
        if self._checks is not None:
            self._checks.start()

    def _pick(self, call: Call, now: float) -> Peer:
        peers = self._peers
        near = peers.near
        if peers.panic:
            self._stats.panic += 1
        if not near:
            what = "no instance is well" if peers.all else "no instance is known"
            raise BackendUnreachable(self._service, what, ours=True, sent=False)
        if call.attempts:
            tried = {attempt.instance for attempt in call.attempts}
            near = tuple(peer for peer in near if peer.name not in tried) or near
        return near[0] if len(near) == 1 else self._policy.choose(near, now)

    def _not_good(self, peer: Peer, call: Call, attempt: Attempt, end: Reply | BaseException) -> None:
        """An attempt that was bad, or tells nothing: cut short, refused, not sent."""
        stats = peer.stats
        if isinstance(end, Reply):
            told = of_status(end.status)
        else:
            told = of_error(end)
            attempt.ended = self._now()
            if isinstance(end, BackendError):
                attempt.result, attempt.sent = end.reason, end.sent
        if told == "bad" and call.deadline.at - attempt.started < self._stats.enough and of_time(end):
            told = "neutral"
        if told == "bad":
            stats.bad += 1
            if not isinstance(end, Reply):  # whose latency is counted
                stats.latency.add_failed(attempt.ended - attempt.started)
            if self._ejector is not None:
                self._ejector.failed(peer, attempt.ended)
        elif told == "neutral":
            stats.neutral += 1
        else:
            stats.good += 1
        if self._peers.several and self._observe is not None:
            self._observe(peer, attempt.ended - attempt.started, told, attempt.ended)


def _nobody_waits() -> None:
    pass


def _policy(settings: ServiceSettings, chance: Random) -> choose.Policy:
    match settings.balance.policy:
        case "round_robin":
            return choose.RoundRobin()
        case "least_connections":
            return choose.LeastConnections()
        case "least_requests":
            return choose.LeastRequests(chance.random)
        case "peak_ewma":
            return choose.PeakEwma(chance.random, settings.timeout)  # a failure is as dear as a call that took all it may
