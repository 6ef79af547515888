"""Rate limits and throttling: what a caller may ask for, counted before it is done."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

from msgspec import structs

from bff.deadline import LOOP_CLOCK, Clock
from bff.gateway.body import read_body
from bff.gateway.quota_fields import Fields, refusal
from bff.gateway.quota_keys import account_of
from bff.gateway.quota_rules import Rule, rules_of
from bff.gateway.request import Endpoint, Request
from bff.gateway.screen_endpoint import budget_of
from bff.gateway.throttle import Throttle
from bff.gateway.watch import while_connected
from bff.limit_settings import RateLimitSettings
from bff.settings import LimitSettings
from bff.state.limiter import Limiter
from bff.state.limits_policy import Charge, Verdict

Result = Literal["allowed", "refused", "delayed", "degraded"]
RESULTS: tuple[Result, ...] = ("allowed", "refused", "delayed", "degraded")

_Bill = list[tuple[Rule, int]]


class Quota:
    """All policies of [rate_limits], by the endpoints they are about; without arguments there are none.

    Raises Refusal for policies that cannot work. `decisions` counts requests by policy and result: `delayed` were let in
    after a wait, `degraded` were let in by this instance's share because Redis did not answer.
    """

    def __init__(
        self,
        limiter: Limiter | None = None,
        limits: Mapping[str, RateLimitSettings] | None = None,
        endpoints: Iterable[Endpoint] = (),
        *,
        max_body: int | None = None,
        absent: frozenset[str] = frozenset(),
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self._limiter = limiter or Limiter(now=clock.now)
        self._door = Limiter(now=clock.now)  # of this process alone: nothing is asked before anything is verified
        self._max_body = max_body or LimitSettings().max_body
        endpoints = tuple(endpoints)
        self._rules = rules_of(limits or {}, endpoints, clock, absent)
        self._about = {each.name: tuple(rule for rule in self._rules if rule.about(each.name)) for each in endpoints}
        self._here = {rule: (self._door if rule.at_door else self._limiter).counts(rule.policy).take for rule in self._rules}
        self._at_door = {name: [(rule, 1) for rule in rules if rule.at_door] for name, rules in self._about.items()}
        self._bills = {name: [(rule, 1) for rule in rules if self._is_charged(rule)] for name, rules in self._about.items()}
        # Nobody waits, for a turn or for Redis.
        self._at_once = not self._limiter.shared and all(rule.throttle is None for rule in self._rules)
        self._fields = Fields(rule.policy for rule in self._rules)
        self.decisions: dict[tuple[str, Result], int] = {
            (rule.policy.name, result): 0 for rule in self._rules for result in RESULTS
        }

    def policies_of(self, name: str) -> tuple[str, ...]:
        """The names of the policies that are about an endpoint, by its name."""
        return tuple(rule.policy.name for rule in self._rules if rule.about(name))

    def at_door(self, request: Request) -> None:
        """Charge the policies by address alone, in this process: before anything is verified. Raises the 429 problem."""
        endpoint = request.endpoint
        if endpoint is None:
            return
        bill = self._at_door.get(endpoint.name)
        if bill:
            self._charge_here(request, bill)

    async def charge(self, request: Request, targets: Mapping[str, int] | None = None) -> None:
        """Charge the others: for the endpoint, once, or for each name of `targets` as often as it says (GraphQL).

        Where counts are shared those by address are charged here too, since at the door only this process's were. An
        endpoint that is not `counted` is charged only with `targets`: policies about one of them for what they cost,
        those about the endpoint alone for 1.

        May hold the request back, until it is its turn or the client has gone (ClientGone); raises the 429 problem, and
        that of a body which cannot be read.
        """
        endpoint = request.endpoint
        if endpoint is None:
            return
        if targets is not None:
            bill = self._bill(request, endpoint.name, targets)
        elif endpoint.counted:
            bill = self._bills.get(endpoint.name, [])
        else:
            return
        if not bill:
            return
        account = None
        if endpoint.account is not None and any("account" in rule.by for rule, _ in bill):
            account = await account_of(request, endpoint.account, self._max_body)
        if self._at_once:
            self._charge_here(request, bill, account)
        else:
            self._conclude(request, await self._settle(request, bill, account))

    def tell(self, request: Request) -> None:
        """Add the RateLimit fields to the answer, whatever it will be; once, when all stages have had their say."""
        if request.verdicts:
            request.headers += self._fields.of(request.verdicts)

    def _charge_here(self, request: Request, bill: _Bill, account: str | None = None) -> None:
        """Charge what this process counts alone, up to the first refusal, which is raised."""
        for rule, cost in bill:
            name = rule.policy.name
            verdict = self._here[rule](rule.key(request, account), cost)
            request.verdicts.append(verdict)
            if not verdict.allowed:
                self.decisions[name, "refused"] += 1
                raise refusal(request, [verdict])
            self.decisions[name, "allowed"] += 1

    def _is_charged(self, rule: Rule) -> bool:
        """Whether it is charged after identity."""
        return self._limiter.shared or not rule.at_door

    def _bill(self, request: Request, name: str, targets: Mapping[str, int]) -> _Bill:
        """What an operation costs by policy. What the door has charged already is 1 of it."""
        own = self._about.get(name, ())
        costs: dict[Rule, int] = defaultdict(int)
        for target, cost in targets.items():
            if target == name:  # policies about the operation itself follow
                continue
            for rule in self._about.get(target, ()):
                costs[rule] += cost
        for rule in own:
            costs.setdefault(rule, 1)
        more = [(rule, cost - (rule in own)) for rule, cost in costs.items() if not self._is_charged(rule)]
        more = [(rule, cost) for rule, cost in more if cost > 0]
        self._charge_here(request, more)
        return [(rule, costs[rule]) for rule in self._rules if rule in costs and self._is_charged(rule)]

    async def _settle(self, request: Request, bill: _Bill, account: str | None) -> list[Verdict]:
        charges = [Charge(rule.policy, rule.key(request, account), cost) for rule, cost in bill]
        lined = {rule.policy.name: rule.throttle for rule, _ in bill if rule.throttle is not None}
        return await self._in_turn(request, charges, lined) if lined else await self._limiter.charge(charges)

    async def _in_turn(self, request: Request, charges: Sequence[Charge], lined: Mapping[str, Throttle]) -> list[Verdict]:
        """Charge what nobody waits for first, then stand in the lines of the others, one after the other."""
        lines = [(charge, line) for charge in charges if (line := lined.get(charge.policy.name)) is not None]
        behind = [charge for charge, line in lines if line.has_line(charge.key)]
        due = [charge for charge in charges if charge.policy.name not in lined]
        due += [charge for charge, _ in lines if charge not in behind]
        verdicts: list[Verdict] = []
        over: dict[str, Verdict] = {}
        while due:  # a refusal may come alone, and what stands beside it has not been charged then
            told = await self._limiter.charge(due)
            judged = {verdict.policy.name: verdict for verdict in told}
            if any(not verdict.allowed and name not in lined for name, verdict in judged.items()):
                return [*verdicts, *told]
            verdicts += [verdict for verdict in told if verdict.allowed]
            over.update((name, verdict) for name, verdict in judged.items() if not verdict.allowed)
            due = [charge for charge in due if charge.policy.name not in judged]
        if (over or behind) and request.method not in ("GET", "HEAD"):
            await read_body(request, self._max_body)  # that a client has gone is told behind its body
        for charge, line in lines:
            if charge in behind or charge.policy.name in over:
                turn = line.turn(
                    charge.key, partial(self._take, charge), over.get(charge.policy.name), budget_of(request), charge.cost
                )
                verdict = structs.replace(await while_connected(request.receive, turn), delayed=True)
                verdicts.append(verdict)
                if not verdict.allowed:
                    break
        return verdicts

    async def _take(self, charge: Charge) -> Verdict:
        return (await self._limiter.charge([charge]))[0]

    def _conclude(self, request: Request, verdicts: Sequence[Verdict]) -> None:
        """Count what was decided, keep it for the client, and raise what refuses it."""
        refused: list[Verdict] = []
        for verdict in verdicts:
            if not verdict.allowed:
                refused.append(verdict)
            self.decisions[verdict.policy.name, _result(verdict)] += 1
        request.verdicts += verdicts
        if refused:
            raise refusal(request, refused)


def _result(verdict: Verdict) -> Result:
    if not verdict.allowed:
        return "refused"
    if verdict.delayed:
        return "delayed"
    return "degraded" if verdict.degraded else "allowed"
