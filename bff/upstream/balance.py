"""Picks the instance of each attempt, sends it there, reads its answer, and remembers what that tells of the instance."""

from random import Random

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
from bff.upstream.verdict import Verdict, of_error, of_status, of_time


class Balance:
    """The innermost layer: one `send` is one attempt, added to `call.attempts`.

    The value of a 2xx answer is decoded here (`call.decode`), so that a promise broken counts against who broke it.
    Active checks begin with the first call. `chance` draws instances and span ids.
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

    async def send(self, call: Call) -> Reply:
        """The answer of the instance that is best to call now, or what its wire raises.

        Another one than those in `call.attempts` where there is one. BackendUnreachable while no instance is known.
        """
        now, peers = self._now(), self._peers
        if now >= peers.until or peers.live is not self._instances.live:
            self._look(now)
        peer = self._pick(call, now) if len(peers.near) != 1 or peers.panic else peers.near[0]
        attempt = Attempt(peer.name, call.kind, now)
        if call.trace is not None:
            attempt.span_id = f"{self._bits(64):016x}"
        call.attempts.append(attempt)
        stats = peer.stats
        stats.in_flight += 1
        told: Verdict = "neutral"
        try:
            reply = await peer.wire.send(call, attempt)
            status = reply.status
            if 200 <= status < 300:
                if call.decode is not None:
                    reply.value = call.decode(reply.body)
                told = "good"
            else:
                told = of_status(status)
                if told == "bad" and call.deadline.at - now < self._stats.enough and of_time(reply):
                    told = "neutral"
            attempt.result = "200" if status == 200 else str(status)
            attempt.ended = ended = self._now()
            stats.latency.add(ended - now, ended)
            return reply
        except BackendError as error:
            told = of_error(error)
            if told == "bad" and call.deadline.at - now < self._stats.enough and of_time(error):
                told = "neutral"
            attempt.result, attempt.sent = error.reason, error.sent
            raise
        finally:
            stats.in_flight -= 1
            if told == "good":
                stats.good += 1
            else:
                self._not_good(peer, attempt, told)
            if self._observe is not None and len(peers.all) > 1:
                self._observe(peer, attempt.ended - now, told, attempt.ended)

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

    def _not_good(self, peer: Peer, attempt: Attempt, told: Verdict) -> None:
        """A bad attempt, or one that tells nothing: cut short, refused, not sent."""
        stats = peer.stats
        answered = attempt.ended > 0  # and its latency is counted
        if not answered:
            attempt.ended = self._now()
        if told == "neutral":
            stats.neutral += 1
            return
        stats.bad += 1
        if not answered:
            stats.latency.add_failed(attempt.ended - attempt.started)
        if self._ejector is not None:
            self._ejector.failed(peer, attempt.ended)


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
