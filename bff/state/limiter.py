"""Rate limits judged: in this process, or in Redis for all instances; and what holds while Redis does not answer."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple

from bff.state.lease import Leases
from bff.state.limits_bucket import Bucket
from bff.state.limits_fixed import FixedWindow
from bff.state.limits_fleet import Fleet
from bff.state.limits_kept import MOST_KEYS, Kept
from bff.state.limits_policy import MICRO, Algorithm, Charge, Policy, Verdict
from bff.state.limits_sliding import SlidingWindow
from bff.state.store import Scripts, StateUnavailable

# Seconds until a request is asked back that a strict policy refused unjudged: by then Redis may have told how many we are.
UNKNOWN_RETRY = 5.0

_ALGORITHMS: dict[str, Callable[[Policy, Callable[[], float]], Algorithm]] = {
    "sliding": SlidingWindow,
    "bucket": Bucket,
    "fixed": FixedWindow,
}


class _Denied(NamedTuple):
    """A refusal of Redis's that holds until a moment, for charges of this cost or more."""

    until: float
    cost: int


class Limiter:
    """Judges charges. Without `scripts` each policy is counted in this process alone, and every verdict is immediate.

    With `scripts` (Redis) a policy is counted as its `shared` says; all of a request's charges travel in one round trip.
    Who is over a limit is refused here until there is room again, and Redis is not asked. While Redis does not answer
    each of the `fleet.live` instances counts by its share of the limit, beginning with what it let in itself in this
    window; a `strict` policy refuses if it was never known how many instances there are.

    Times are of `now`, monotonic seconds, for durations only: the windows of what is shared are of Redis's clock.
    """

    def __init__(
        self, scripts: Scripts | None = None, fleet: Fleet | None = None, now: Callable[[], float] = monotonic
    ) -> None:
        self._scripts, self._fleet, self._now = scripts, fleet, now
        self._here: dict[str, Algorithm] = {}  # by policy
        self._denied: Kept[_Denied] = Kept(MOST_KEYS)
        self._leases = Leases(now)

    @property
    def shared(self) -> bool:
        """Whether other instances' requests count as well."""
        return self._scripts is not None

    async def start(self) -> None:
        """Be counted among the instances, if limits are shared. Redis down is no fault."""
        if self._fleet is not None:
            await self._fleet.start()

    async def close(self) -> None:
        if self._fleet is not None:
            await self._fleet.close()

    def take(self, charges: Sequence[Charge]) -> list[Verdict]:
        """Judge in this process, in their order; what comes after the first refusal is not counted, and has no verdict."""
        verdicts: list[Verdict] = []
        for policy, key, cost in charges:
            verdict = self.counts(policy).take(key, cost)
            verdicts.append(verdict)
            if not verdict.allowed:
                break
        return verdicts

    async def charge(self, charges: Sequence[Charge]) -> list[Verdict]:
        """Judge them all; let in what none refuses. A refusal that is known here comes alone, and nothing is counted.

        One that only Redis knows comes with the verdicts of the others, who have counted the request: it costs what it
        asked for, once; from then on it is refused here.
        """
        if self._scripts is None:
            return self.take(charges)
        for charge in charges:
            denied = self._still_denied(charge)
            if denied is not None:
                return [denied]
        verdicts, asked = self._judge_here(charges)
        if not asked or (verdicts and not verdicts[-1].allowed):
            return verdicts
        if len(asked) == 1:
            return [*verdicts, await self._ask(self._scripts, asked[0])]
        # Each is one command on one key, so that a cluster can run them; those of one turn of the loop travel together.
        return verdicts + await asyncio.gather(*(self._ask(self._scripts, charge) for charge in asked))

    def _judge_here(self, charges: Sequence[Charge]) -> tuple[list[Verdict], list[Charge]]:
        """What this instance may judge itself, up to its first refusal, and the charges that Redis must."""
        verdicts: list[Verdict] = []
        asked: list[Charge] = []
        for charge in charges:
            shared = charge.policy.shared
            if shared == "local":
                verdict: Verdict | None = self.counts(charge.policy).take(charge.key, charge.cost)
            else:
                verdict = self._leases.spend(charge) if shared == "leased" else None
            if verdict is None:
                asked.append(charge)
                continue
            verdicts.append(verdict)
            if not verdict.allowed:
                break
            if shared == "leased":
                self._note(charge)
        return verdicts, asked

    def _still_denied(self, charge: Charge) -> Verdict | None:
        denied = self._denied.get(charge.key)
        if denied is None or charge.cost < denied.cost:
            return None
        left = denied.until - self._now()
        if left <= 0:
            self._denied.pop(charge.key)
            return None
        return Verdict(charge.policy, False, 0, left, left)

    async def _ask(self, scripts: Scripts, charge: Charge) -> Verdict:
        """Redis's verdict, or ours in its place. Never raises StateUnavailable."""
        policy, key, cost = charge
        algorithm = self.counts(policy)
        most = self._leases.want(charge, self._live) if policy.shared == "leased" else cost
        try:
            told = await scripts.run(algorithm.script, key, algorithm.arguments(cost, most))
        except StateUnavailable:
            return self._alone(charge)
        finally:
            if most > cost:
                self._leases.settled(charge)
        granted, remaining, reset, wait = map(int, told)
        verdict = Verdict(policy, granted > 0, remaining, reset / MICRO, wait / MICRO)
        if most > cost:
            self._leases.fetched(charge, granted, verdict)
        if granted:
            self._note(charge)
        else:
            self._denied.put(key, _Denied(self._now() + verdict.retry_after, cost))
        return verdict

    def _alone(self, charge: Charge) -> Verdict:
        """The verdict of this instance's share."""
        policy, key, cost = charge
        live = self._live
        if live is None:
            if policy.strict:
                return Verdict(policy, False, 0, UNKNOWN_RETRY, UNKNOWN_RETRY, degraded=True)
            live = 1
        told = self.counts(policy).take(key, cost, live)
        return Verdict(policy, told.allowed, told.remaining, told.reset, told.retry_after, degraded=True)

    def _note(self, charge: Charge) -> None:
        """Know what was let in here, so that losing Redis does not begin a window anew."""
        self.counts(charge.policy).note(charge.key, charge.cost, self._live or 1)

    @property
    def _live(self) -> int | None:
        return None if self._fleet is None else self._fleet.live

    def counts(self, policy: Policy) -> Algorithm:
        """What this process counts of a policy, by itself."""
        algorithm = self._here.get(policy.name)
        if algorithm is None:
            algorithm = self._here[policy.name] = _ALGORITHMS[policy.algorithm](policy, self._now)
        return algorithm
