"""What is counted of the store, for metrics: plain attributes that whoever exposes them reads."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, Literal

# Seconds. Redis near by answers in a quarter of a millisecond; above the budget's usual 30 ms nothing is awaited.
BOUNDS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05)

State = Literal["closed", "open", "half_open"]


@dataclass(slots=True)
class Figures:
    """Of one store, over all its connections, since the start."""

    commands: int = 0  # answered, whatever the answer was
    errors: int = 0  # of these, by an error of Redis's
    failures: int = 0  # sent, or waiting to be, and not answered: no time left, or the connection broke
    refused: int = 0  # not sent: the breaker was open, or too many waited
    cancelled: int = 0  # answered when nobody waited any more
    opened: int = 0  # times that a connection was given up
    connections: int = 0  # made
    scripts_loaded: int = 0  # sent whole, because the server did not know them
    seconds: float = 0.0  # spent on the answered ones
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))  # answered ones, by BOUNDS
    states: dict[str, State] = field(default_factory=dict)  # of each server's breaker, by its address

    @property
    def breaker(self) -> State:
        """The worst of the servers': a cluster of which a third is away is not well."""
        states = self.states.values()
        return "open" if "open" in states else "half_open" if "half_open" in states else "closed"

    def answered(self, took: float) -> None:
        self.commands += 1
        self.seconds += took
        self.buckets[bisect_left(BOUNDS, took)] += 1
