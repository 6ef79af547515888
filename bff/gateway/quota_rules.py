"""Which policies are about which endpoint: resolved once, at the start, and refused where they are about nothing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bff.deadline import Clock
from bff.errors import Refusal
from bff.gateway.quota_keys import Share, key, share_of
from bff.gateway.request import Endpoint, Request
from bff.gateway.throttle import Throttle
from bff.limit_settings import By, RateLimitSettings
from bff.state.limits_policy import Policy

# It stands in header fields as a structured field's string, and in metrics.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# The widest last: in process, what is refused to one caller is then not counted against everyone.
_WIDTH: dict[By, int] = {"tenant": 1, "app": 2, "everyone": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One policy as the gateway applies it. `throttle`: what is over it waits there. `at_door`: by address alone."""

    policy: Policy
    by: tuple[By, ...]
    to: tuple[str, ...]
    throttle: Throttle | None
    share: Share

    def key(self, request: Request, account: str | None) -> str:
        """Whose room a request uses; `account` is the one that its body names."""
        return f"{key(self.share(request, account))}:{self.policy.name}"

    @property
    def at_door(self) -> bool:
        return self.by == ("address",) and self.throttle is None  # nobody waits at the door

    def about(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.to)


def rules_of(
    limits: Mapping[str, RateLimitSettings],
    endpoints: Iterable[Endpoint],
    clock: Clock,
    absent: frozenset[str] = frozenset(),
) -> tuple[Rule, ...]:
    """All policies, narrow ones first; raises Refusal for those that cannot work.

    A policy may be about an app that is `absent`: it is served elsewhere, from the same settings.
    """
    faults = list(_faults(limits, {endpoint.name: endpoint for endpoint in endpoints}, absent))
    if faults:
        raise Refusal(faults)
    rules = [_rule(name, settings, clock) for name, settings in limits.items()]
    return tuple(sorted(rules, key=lambda rule: min(_WIDTH.get(part, 0) for part in rule.by)))


def _rule(name: str, settings: RateLimitSettings, clock: Clock) -> Rule:
    policy = Policy.of(name, settings)
    throttle = Throttle(policy, settings, clock) if settings.over == "delay" else None
    by = tuple(dict.fromkeys(settings.by))
    return Rule(policy, by, tuple(settings.to), throttle, share_of(by))


def _faults(
    limits: Mapping[str, RateLimitSettings], endpoints: Mapping[str, Endpoint], absent: frozenset[str]
) -> Iterator[str]:
    for name, settings in limits.items():
        place = f"rate_limits.{name}"
        if not _NAME.fullmatch(name):
            yield f"{place}: a name has letters, digits, `_`, `-` and `.`, up to 64: it stands in header fields; change it"
        for pattern in settings.to:
            elsewhere = any(fnmatchcase(app, pattern.partition("/")[0]) for app in absent)
            if not elsewhere and not any(fnmatchcase(endpoint, pattern) for endpoint in endpoints):
                there = ", ".join(sorted(endpoints)) or "none"
                yield f"{place}.to: '{pattern}' is no endpoint (there is: {there}); mend it or take it out"
        about = [each for each in endpoints.values() if any(fnmatchcase(each.name, pattern) for pattern in settings.to)]
        if "account" in settings.by and about and not any(each.account for each in about):
            yield f"{place}.by: no endpoint of its `to` names an account; give its route `account`, the member of its body"
        if settings.algorithm != "bucket" and settings.burst is not None:
            yield f"{place}.burst: is for algorithm = 'bucket' alone; drop it"
