"""What a client is told of its limits: RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers), and the 429."""

from collections.abc import Iterable, Sequence
from math import ceil

from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.request import Request
from bff.state.limits_policy import Policy, Verdict

POLICY = b"ratelimit-policy"
LIMIT = b"ratelimit"

# Seconds are told as whole ones, never too few: who comes back then is not refused for a fraction. But for a clock's own.
_ROUNDING = 1e-6


def described(policy: Policy) -> str:
    """A policy as a member of RateLimit-Policy; a window that is no whole number of seconds cannot be told there."""
    window = f";w={policy.window:.0f}" if policy.window == int(policy.window) else ""
    return f'"{policy.name}";q={policy.limit}{window}'


class Fields:
    """Writes the two fields; what of them never changes is made once."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._texts = {policy.name: (described(policy), f'"{policy.name}";r=') for policy in policies}

    def of(self, verdicts: Iterable[Verdict]) -> Headers:
        """One field each; of a policy the last word, of whatever stage."""
        members: dict[str, str] = {}  # of the one field, and what stands in the other for it
        for verdict in verdicts:
            policy, limit = self._texts[verdict.policy.name]
            members[policy] = f"{limit}{verdict.remaining};t={ceil(verdict.reset - _ROUNDING)}"
        return [(POLICY, ", ".join(members).encode()), (LIMIT, ", ".join(members.values()).encode())]


def refusal(request: Request, refused: Sequence[Verdict]) -> Problem:
    """The 429: the policies that have no room, and when all of them will have (RFC 9110 section 10.2.3)."""
    names = [verdict.policy.name for verdict in refused]
    request.refused = f"quota {' '.join(names)}"
    wait = max(max(verdict.retry_after, verdict.reset) for verdict in refused)
    several = "limits" if len(names) > 1 else "limit"
    return Problem(
        "quota-exceeded",
        f"over the {several} {', '.join(names)}",
        {"violated-policies": names},  # the draft's own name for it
        [(b"retry-after", str(max(1, ceil(wait - _ROUNDING))).encode())],
    )
