"""What a rate limit is, what it says to one request, and what every way of counting offers."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import msgspec

from bff.limit_settings import RateLimitSettings
from bff.state.store import Script

Counting = Literal["sliding", "bucket", "fixed"]
Sharing = Literal["exact", "leased", "local"]

MICRO = 1_000_000  # Redis's clock has microseconds, and so do the arguments of the scripts


@dataclass(frozen=True, slots=True)
class Policy:
    """One rate limit: `limit` a `window` (seconds), counted by `algorithm`; `burst` at once, for a bucket."""

    name: str
    limit: int
    window: float = 60.0
    algorithm: Counting = "sliding"
    burst: int | None = None
    shared: Sharing = "exact"
    strict: bool = False

    @classmethod
    def of(cls, name: str, settings: RateLimitSettings) -> "Policy":
        return cls(
            name,
            settings.limit,
            settings.window,
            settings.algorithm,
            settings.burst,
            settings.shared,
            settings.strict,
        )


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a policy says: `remaining` may still be asked for now; more will be in `reset` seconds.

    `retry_after` is the seconds after which what was refused would be let in if nobody else asked before; 0 when allowed.
    `degraded`: judged by this instance's share alone, because Redis did not answer.
    `delayed`: the request was held back for it first.
    """

    policy: Policy
    allowed: bool
    remaining: int
    reset: float
    retry_after: float = 0.0
    degraded: bool = False
    delayed: bool = False


class Charge(NamedTuple):
    """What one request costs under one policy: `cost` for `key`."""

    policy: Policy
    key: str
    cost: int = 1


class Algorithm(Protocol):
    """One policy's counts in this process, bounded, and the script that counts the same in Redis.

    `shares`: by how many instances the limit is divided, each judging alone; at least 1 is left to each.
    """

    script: Script

    def take(self, key: str, cost: int, shares: int = 1) -> Verdict:
        """Count `cost` if there is room for it."""
        ...

    def note(self, key: str, cost: int, shares: int = 1) -> None:
        """Count it whether there is room or not: it was let in elsewhere."""
        ...

    def arguments(self, cost: int, most: int) -> list[int | float | str]:
        """The script's, to count `cost`, or up to `most` if there is room for more.

        It returns [granted, remaining, reset, retry_after], granted 0 when refused, the times in microseconds.
        """
        ...


def share(limit: int, shares: int) -> int:
    """A limit's part for one of `shares` instances; never nothing, which would shut out everybody."""
    return max(1, limit // shares)
