"""The metrics of all workers as one: counters and histograms added up, and none of them ever goes backwards.

A counter belongs to the supervisor's life, not to a worker's: what a worker had counted when it was last asked stays in
the sum after it has gone. What it counted between that look and its end is lost, at most one scrape's worth.

The pages are our own workers', so a series is its line up to the last blank; to take its labels apart, as a parser for
anybody's page must, costs thirty times as much.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# How a worker marks a gauge that is a state and not a quantity (bff/observe/families.py).
_HIGHEST = b"(the highest of the workers)"
_COUNTED = (b"counter", b"histogram")

_HELP, _TYPE = b"# HELP ", b"# TYPE "
# The label of what comes and goes by itself (bff/observe/service_metrics.py).
_INSTANCE = b'service_instance="'


@dataclass(slots=True)
class _Family:
    what: bytes = b""
    kind: bytes = b""
    values: dict[bytes, float] = field(default_factory=dict)  # by series: the name with its labels

    def add(self, other: "_Family") -> None:
        self.what, self.kind = other.what, other.kind
        values, highest = self.values, other.what.endswith(_HIGHEST)
        for series, value in other.values.items():
            old = values.get(series)
            values[series] = value if old is None else max(old, value) if highest else old + value


_Families = dict[bytes, _Family]


class Scrapes:
    """What each worker said last, and the sum of what those had said that are gone."""

    def __init__(self) -> None:
        self._last: dict[str, _Families] = {}
        self._gone: _Families = {}

    def merged(self, pages: Mapping[str, bytes], alive: Iterable[str]) -> bytes | None:
        """The sum, once these workers have said this and only those are alive; None when nobody ever said anything.

        A worker's name is one that no other worker of this supervisor ever has.
        """
        here = set(alive)
        for worker, page in pages.items():
            if worker in here or worker in self._last:  # else it has been added to those that are gone: not twice
                self._last[worker] = _read(page)
        ended = self._last.keys() - here
        for worker in ended:
            said = self._last.pop(worker)
            _fold(self._gone, {name: family for name, family in said.items() if family.kind in _COUNTED})
        if ended:
            self._forget_instances()
        if not self._last and not self._gone:
            return None
        total: _Families = {}
        for families in (self._gone, *self._last.values()):
            _fold(total, families)
        return _written(total)

    def _forget_instances(self) -> None:
        """Those that no living worker knows: their addresses never come back, and there is no end of new ones."""
        if not self._last:
            return
        for name, family in self._gone.items():
            known = [families[name].values for families in self._last.values() if name in families]
            family.values = {
                series: value
                for series, value in family.values.items()
                if _INSTANCE not in series or any(series in values for values in known)
            }


def _read(page: bytes) -> _Families:
    found: _Families = {}
    family = _Family()
    for line in page.splitlines():
        if line.startswith(_HELP):
            name, _, what = line.removeprefix(_HELP).partition(b" ")
            family = found.setdefault(name, _Family())
            family.what = what
        elif line.startswith(_TYPE):
            family.kind = line.rpartition(b" ")[2]
        elif line:
            series, _, value = line.rpartition(b" ")
            family.values[series] = float(value)
    return found


def _fold(into: _Families, families: _Families) -> None:
    for name, family in families.items():
        into.setdefault(name, _Family()).add(family)


def _written(families: _Families) -> bytes:
    """A series that only one worker has comes after the others' with all its buckets, for so it stood in its page."""
    lines: list[bytes] = []
    for name, family in families.items():
        lines.append(b"%b%b %b" % (_HELP, name, family.what))
        lines.append(b"%b%b %b" % (_TYPE, name, family.kind))
        lines += [b"%b %b" % (series, repr(value).encode()) for series, value in family.values.items()]
    lines.append(b"")
    return b"\n".join(lines)
