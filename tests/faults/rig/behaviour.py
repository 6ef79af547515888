"""How a service of the rig behaves, and what the harness may tell the stub process: one JSON object a line."""

from typing import Literal

import msgspec

Kind = Literal["answer", "hang", "reset", "reset_midway", "truncate", "drip", "pour"]


class Behaviour(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is done to a request once it is read whole.

    answer        `status`, `headers` and `body` (none: the service's own) after `latency` +- `jitter` seconds
    hang          nothing, until the peer goes
    reset         RST before a byte
    reset_midway  RST after the head and half the body
    truncate      half of the announced body, then FIN
    drip          the head, then the body at `rate` bytes a second
    pour          `size` bytes of body, announced and sent as fast as they are taken
    """

    kind: Kind = "answer"
    latency: float = 0.0
    jitter: float = 0.0
    status: int = 200
    headers: dict[str, str] = {}
    body: str | None = None
    share: float = 1.0  # of the requests, evenly spread: 0.5 is every other one
    path: str = ""  # only for requests to it
    rate: int = 20
    size: int = 0


class Set(msgspec.Struct, frozen=True, tag="set"):
    """From now on; `fault` None: well. `well` is how the rest of the requests are answered, None: as before."""

    service: str
    fault: Behaviour | None = None
    well: Behaviour | None = None
    instance: int | None = None  # None: every copy


class Away(msgspec.Struct, frozen=True, tag="away"):
    """Refuse connections and cut the open ones, or come back."""

    service: str
    away: bool = True
    instance: int | None = None


class Reset(msgspec.Struct, frozen=True, tag="reset"):
    """Count and log anew, and be well."""


class Counts(msgspec.Struct, frozen=True, tag="counts"):
    """Ask for `dict[service, list[Count]]`."""


class Log(msgspec.Struct, frozen=True, tag="log"):
    """Ask for a service's requests: `list[list[Seen]]`, a list a copy."""

    service: str


Command = Set | Away | Reset | Counts | Log


class Count(msgspec.Struct):
    """One copy's figures since the last Reset. Connections are sockets open now, the rest are requests."""

    requests: int = 0  # read whole
    answered: int = 0
    cut: int = 0  # the peer closed before the answer was written
    in_flight: int = 0
    max_in_flight: int = 0
    connections: int = 0
    sent_twice: int = 0  # requests whose `x-once` had been seen before
    traced: int = 0  # with a traceparent


class Seen(msgspec.Struct, array_like=True):
    """One request as the stub saw it; times are monotonic seconds, which all processes of a machine share."""

    arrived: float
    ended: float = 0.0
    how: Literal["in flight", "answered", "cut", "broken"] = "in flight"
    told: int = 0  # its request-timeout in milliseconds; 0: none


class Ports(msgspec.Struct):
    """What the process says when it listens."""

    control: int
    services: dict[str, list[int]]
