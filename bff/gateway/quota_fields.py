"""What a client is told of its limits: RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers), and the 429."""

from collections.abc import Iterable, Sequence
from math import ceil

from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.request import Request
from bff.state.limits_policy import Policy, Verdict

POLICY = b"ratelimit-policy"
LIMIT = b"ratelimit"


def described(policy: Policy) -> str:
    """A policy as a member of RateLimit-Policy; a window that is no whole number of seconds cannot be told there."""
    window = f";w={policy.window:.0f}" if policy.window == int(policy.window) else ""
    return f'"{policy.name}";q={policy.limit}{window}'


class Fields:
    """Writes the two fields; what of them never changes is made once."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._described = {policy.name: described(policy) for policy in policies}

    def tell(self, request: Request, verdicts: Sequence[Verdict]) -> None:
        """Put them on the answer, whatever it will be. One field each; of a policy the last word, of whatever stage."""
        headers = request.headers
        policies = ", ".join([self._described[verdict.policy.name] for verdict in verdicts])
        limits = ", ".join(
            [f'"{verdict.policy.name}";r={verdict.remaining};t={_seconds(verdict.reset)}' for verdict in verdicts]
        )
        if not _join(headers, POLICY, policies):
            headers.append((POLICY, policies.encode()))
            headers.append((LIMIT, limits.encode()))
        else:
            _join(headers, LIMIT, limits)


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
        [(b"retry-after", str(max(1, _seconds(wait))).encode())],
    )


def _join(headers: Headers, name: bytes, members: str) -> bool:
    """Add them to the field, if it is there; whether it is. A member's name has no comma: quota_rules.py sees to it."""
    for at, (told, before) in enumerate(headers):
        if told == name:
            both = [*before.decode().split(", "), *members.split(", ")]
            headers[at] = (name, ", ".join({each.partition(";")[0]: each for each in both}.values()).encode())
            return True
    return False


def _seconds(seconds: float) -> int:
    """Whole ones, never too few: who comes back then is not refused for a fraction."""
    return ceil(seconds - 1e-6)  # but for a clock's rounding
