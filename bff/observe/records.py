"""What is counted of requests, screens and sections: plain numbers, added to when a request ends, read when asked for.

Every name in them comes from what was declared (templates, screens, sections, services), never from a client, so their
number is bounded by the project. Adding one request costs 1 to 2 us.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from typing import Final, Literal

import orjson

from bff.composition.outcome import OK, Outcome
from bff.upstream.latency import Latency

# A method is the client's word: those that HTTP knows (RFC 9110, RFC 5789) are told apart, all others are one.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
OTHER: Final = "OTHER"
# What stands for every path that no endpoint has.
UNMATCHED: Final = "unmatched"

Result = Literal["complete", "degraded", "failed"]


class EndpointRecord:
    """The requests of one endpoint by one method. `words` is how the access line names it, made once."""

    __slots__ = ("app", "bytes", "classes", "latency", "method", "template", "words")

    def __init__(self, app: str | None, template: str | None, method: str) -> None:
        self.app = app or ""
        self.template = template or UNMATCHED
        self.method = method
        self.words = orjson.dumps({"app": app, "method": method, "path": template}).decode()[1:-1]
        self.classes = [0] * 6  # by the first digit of the status
        self.bytes = 0  # of bodies
        self.latency = Latency()

    def add(self, status: int, size: int, seconds: float, now: float) -> None:
        """Count one; `now` is the monotonic moment at which it ended."""
        self.classes[status // 100 if status < 600 else 5] += 1  # a plain route passes on whatever number its backend made up
        self.bytes += size
        self.latency.add(seconds, now)


class ScreenRecord:
    """The runs of one screen of one app, and how each of its sections was had."""

    __slots__ = ("_ok", "_other", "_usual", "_usual_runs", "results")

    def __init__(self) -> None:
        self.results: dict[Result, int] = {"complete": 0, "degraded": 0, "failed": 0}
        self._ok: defaultdict[str, int] = defaultdict(int)
        self._other: defaultdict[tuple[str, str], int] = defaultdict(int)
        # Most runs have the same sections, and all of them are ok: such a run is one number, not one for each section.
        self._usual: Set[str] = frozenset()
        self._usual_runs = 0

    def add(self, result: Result, verdicts: Mapping[str, Outcome]) -> None:
        """Count one run; `verdicts` are of every section and field that came to an end, `OK` itself of those that are."""
        self.results[result] += 1
        all_ok = [*verdicts.values()].count(OK) == len(verdicts)
        if all_ok and verdicts.keys() == self._usual:
            self._usual_runs += 1
        elif all_ok and len(verdicts) > len(self._usual):
            self._count_usual()
            self._usual, self._usual_runs = frozenset(verdicts), 1
        else:
            for key, outcome in verdicts.items():
                if outcome is OK:
                    self._ok[key] += 1
                else:
                    self._other[key, outcome.status] += 1

    def sections(self) -> dict[tuple[str, str], int]:
        """Counts by section and status."""
        self._count_usual()
        return {**{(key, "ok"): count for key, count in self._ok.items()}, **self._other}

    def _count_usual(self) -> None:
        if self._usual_runs:
            for key in self._usual:
                self._ok[key] += self._usual_runs
            self._usual_runs = 0


class Records:
    """All that a worker has counted of its requests since it started."""

    def __init__(self) -> None:
        self.endpoints: dict[tuple[str | None, str], EndpointRecord] = {}
        self.screens: dict[tuple[str, str], ScreenRecord] = {}
        self.blamed: defaultdict[str, int] = defaultdict(int)  # sections that were not plainly ok, by the service to blame

    def endpoint(self, app: str | None, template: str | None, method: str) -> EndpointRecord:
        """The record of an endpoint; `template` None is every path that leads nowhere."""
        found = self.endpoints.get((template, method))
        if found is None:
            known = method if method in METHODS else OTHER
            found = self.endpoints.get((template, known))
            if found is None:
                found = self.endpoints[template, known] = EndpointRecord(app, template, known)
        return found

    def screen(self, app: str, name: str) -> ScreenRecord:
        found = self.screens.get((app, name))
        if found is None:
            found = self.screens[app, name] = ScreenRecord()
        return found
