"""The memory of a worker: its collector is told what will stay, its allocators what to give back to the system."""

import gc
from collections.abc import Mapping
from typing import Final

# Objects made since the last look before the next one. The default, 700, is reached every few screens, and each look
# walks whatever is young; with it W1 costs 1.3-1.5 times as much (benchmarks, performance.md section 5). Screens leave
# no circles behind: of 7,159 screens 34 objects were freed by the collector, all else by reference counts.
YOUNG = 50_000
# Looks at the young before one at the middle-aged, and those before a full one.
MIDDLE, OLD = 20, 100

# Read by the allocators when a process starts. Without it 500 answers of 512 KB that were given up stay as 300 MB (F46).
_ALLOCATORS: Final = {
    # glibc (Python's): larger blocks than screens are made of are mapped one by one, and go when they are freed. By default
    # it puts all below 32 MB among the small ones once it has freed one; that also sets what it keeps on top of those.
    "MALLOC_MMAP_THRESHOLD_": str(256 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),
    # jemalloc (Granian's): pages that were free for half a second go, by a thread of its own. By default they go after
    # ten, when the thread that freed them comes by again.
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:500,background_thread:true",
}


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """That of a worker, from the supervisor's: what somebody has set there stays."""
    return {**_ALLOCATORS, **ours}


def settle() -> None:
    """Call once everything is built: what is there now is never walked again (`gc.freeze`), the rest rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
