"""How much memory this process holds, and how much it may."""

import os
import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")
_CGROUP = Path("/proc/self/cgroup")
# Where the limit stands, by version: in the container's own view, or below the group that /proc/self/cgroup names.
_V2, _V2_FILE = Path("/sys/fs/cgroup"), "memory.max"
_V1, _V1_FILE = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"


def resident() -> int:
    """Bytes resident now; where there is no /proc, the most there ever were."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def limit() -> int:
    """Bytes that this process and those beside it may hold: the lowest limit of its control groups, else the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(_groups())])


def _groups() -> list[Path]:
    """The files that may hold a limit: the group's own and those of the groups above it."""
    try:
        lines = _CGROUP.read_text().splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root, name = (_V1, _V1_FILE) if controllers else (_V2, _V2_FILE)
            own = Path(path.lstrip("/"))
            found += [root / part / name for part in (own, *own.parents)]
    return found


def _limits(files: list[Path]) -> list[int]:
    """What stands in them; version 1 writes "none" as a number near 2**63, version 2 as `max`."""
    found: list[int] = []
    for file in files:
        try:
            text = file.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return found
