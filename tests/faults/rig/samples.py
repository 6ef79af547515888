"""What the load generator is asked for and gives back, and the figures that are made of it."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

LOST: Final = 0  # no whole answer: refused, cut, or none in the generator's own patience
LEFT: Final = -1  # we went away first, as the stream asked


class Stream(msgspec.Struct, frozen=True):
    """Requests of one kind: `rate` a second, `every` of them at once (a wave).

    Where a header says `{value}`, each request has the next one of `values`, round and round.
    """

    name: str
    path: str
    rate: float
    headers: dict[str, str] = {}
    leave_after: float = 0.0  # seconds until the client goes without its answer; 0: it stays
    every: int = 1
    values: list[str] = []


class Spec(msgspec.Struct, frozen=True):
    port: int
    streams: list[Stream]


class Sample(msgspec.Struct, array_like=True):
    """One request: the moment at which it was due (monotonic) and the seconds from then to the end of its answer."""

    stream: int
    due: float
    took: float
    status: int
    complete: bool = False


class Samples:
    """The samples of a run, cut down step by step: `load.of("board").between(a, b).p(0.99)`."""

    def __init__(self, names: Sequence[str], samples: Iterable[Sample]) -> None:
        self._names = names
        self.all = sorted(samples, key=lambda sample: sample.due)

    def __len__(self) -> int:
        return len(self.all)

    def of(self, *streams: str) -> "Samples":
        return self.where(lambda sample: self._names[sample.stream] in streams)

    def between(self, start: float, end: float) -> "Samples":
        """Those that were due in [start, end), in monotonic seconds."""
        return self.where(lambda sample: start <= sample.due < end)

    def answered(self, *statuses: int) -> "Samples":
        """Those that had an answer; with `statuses`, one of these."""
        return self.where(lambda sample: sample.status in statuses if statuses else sample.status > 0)

    def where(self, holds: Callable[[Sample], bool]) -> "Samples":
        return Samples(self._names, filter(holds, self.all))

    def p(self, share: float) -> float:
        """The latency in seconds that this share of the requests did not exceed; infinite when there were none."""
        took = sorted(sample.took for sample in self.all)
        return took[max(0, math.ceil(share * len(took)) - 1)] if took else math.inf

    @property
    def worst(self) -> float:
        return self.p(1.0)

    def share(self, holds: Callable[[Sample], bool]) -> float:
        """The share of the requests for which `holds`; 0 when there were none."""
        return sum(map(holds, self.all)) / len(self.all) if self.all else 0.0

    def by_second(self, start: float) -> dict[int, "Samples"]:
        """The seconds since `start`, each with what was due in it."""
        seconds: dict[int, list[Sample]] = {}
        for sample in self.all:
            seconds.setdefault(math.floor(sample.due - start), []).append(sample)
        return {second: Samples(self._names, found) for second, found in seconds.items()}
