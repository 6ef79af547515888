"""The garbage collector of a worker: told what will stay, and to look for circles seldom."""

import gc

# Objects made since the last look before the next one. The default, 700, is reached every few screens, and each look
# walks whatever is young; with it W1 costs 1.3-1.5 times as much (benchmarks, performance.md section 5). Screens leave
# no circles behind: of 7,159 screens 34 objects were freed by the collector, all else by reference counts.
YOUNG = 50_000
# Looks at the young before one at the middle-aged, and those before a full one.
MIDDLE, OLD = 20, 100


def settle() -> None:
    """Call once everything is built: what is there now is never walked again (`gc.freeze`), the rest rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
