"""[rate_limits.NAME]: who may ask for how much."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from bff.part import Part

By = Literal["address", "caller", "key", "tenant", "app", "account", "everyone"]


class RateLimitSettings(Part):
    """One policy. A request is let in when every policy that is about it has room."""

    by: list[By] = Field(
        default=["caller"],
        min_length=1,
        description="whose share it is, all of these together: address (an IPv4 address, an IPv6 /64), caller (the verified "
        "subject; guests by address), key (the API key), tenant, app, account (what the route's `account` names in the "
        "body), everyone",
    )
    to: list[str] = Field(
        default=["*"],
        min_length=1,
        description="the endpoints: app/screen, app/action, app/graphql or routes/name, with * for any part (mobile/*)",
    )
    limit: int = Field(ge=1, description="how many in a window")
    window: float = Field(default=60.0, gt=0, description="seconds")
    algorithm: Literal["sliding", "bucket", "fixed"] = Field(
        default="sliding",
        description="sliding: never more than `limit` in any window; bucket (GCRA): `limit` a window evenly, and bursts up to "
        "`burst`; fixed: windows by the clock, cheapest, up to twice the limit over a boundary",
    )
    burst: int | None = Field(default=None, ge=1, description="bucket: how many at once; none: `limit`")
    shared: Literal["exact", "leased", "local"] = Field(
        default="exact",
        description="with Redis. exact: one count for all instances; leased: parts of the limit are fetched ahead, up to 5 % "
        "over; local: each instance has the whole limit for itself",
    )
    strict: bool = Field(
        default=False,
        description="without Redis: false counts in each instance its share of the limit; true as well, and refuses where the "
        "number of instances is not known (logins, keys)",
    )
    over: Literal["refuse", "delay"] = Field(
        default="refuse",
        description="delay: what is over the limit waits for its turn, up to `max_wait`, in a queue of `queue`",
    )
    max_wait: float = Field(
        default=1.0, gt=0, description="seconds that a request is held back at most, its deadline permitting"
    )
    queue: int = Field(default=100, ge=1, description="requests held back at once and worker; more are refused")

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        for name in ("max_wait", "queue"):
            yield (
                name in self.model_fields_set and self.over != "delay",
                f"{name} is for over = 'delay', where a request waits for its turn; say so, or take it out",
            )
        yield (
            self.strict and self.shared == "local",
            "strict is about what all instances count together, and with shared = 'local' each counts for itself; take one out",
        )
        yield (
            "everyone" in self.by and len(set(self.by)) > 1,
            "by = 'everyone' together with others is by the others alone; take 'everyone' out, or make it a policy of its own",
        )
