"""`python -m benchmarks [w1 w2 ...]`: measure Thali and its peers in one run; ratios count, absolute times do not."""

import argparse
import sys
import time

from rich.console import Console

from benchmarks import report, rounds
from benchmarks.ours import thali, thali_bare
from benchmarks.places import LOAD_CORE, SYSTEM_CORE
from benchmarks.python import version
from benchmarks.systems import PEERS
from benchmarks.tools import need_debian, say
from benchmarks.workloads import WORKLOADS


def main() -> int:
    chosen = _arguments()
    started = time.monotonic()
    if reason := need_debian("wrk", "nginx"):
        say(f"wrk and nginx are needed: {reason}")
        return 2
    if SYSTEM_CORE == LOAD_CORE:
        say("only one core: the load shares it with the systems, so trust the ratios even less")
    say(f"Python systems are served by {version()}")
    systems = [system for system in (thali(), thali_bare(), *PEERS) if not chosen.only or system.name in chosen.only]
    console = Console(width=None if sys.stdout.isatty() else 150)
    results = []
    for workload in WORKLOADS:
        if workload.name not in chosen.workloads:
            continue
        lines = rounds.run(workload, systems, rounds=chosen.rounds, seconds=chosen.seconds, warm=chosen.warm)
        report.print_table(workload, lines, console)
        results.append((workload, lines))
    file = report.write(results, {"rounds": chosen.rounds, "seconds": chosen.seconds, "warm": chosen.warm})
    say(f"all samples: {file} ({time.monotonic() - started:.0f} s in all)")
    if not chosen.check:
        return 0
    found = [(value, limit) for workload, lines in results for _, value, limit in report.verdicts(workload, lines)]
    return 0 if all(value is not None and value <= limit for value, limit in found) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(names)}; default: w1 w2")
    parser.add_argument("--all", action="store_true", help="every workload")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every row (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of a row's turn, whole seconds (%(default)s)")
    parser.add_argument("--warm", type=float, default=4, help="seconds of load before the first turn (%(default)s)")
    parser.add_argument("--only", action="append", metavar="SYSTEM", help="only this system; may be given again")
    parser.add_argument("--check", action="store_true", help="exit 1 unless every limit was measured and holds")
    chosen = parser.parse_args()
    if unknown := set(chosen.workloads) - set(names):
        parser.error(f"no such workload: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    known = ["thali", "thali-bare", *(system.name for system in PEERS)]
    if unknown := set(chosen.only or ()) - set(known):
        parser.error(f"no such system: {', '.join(sorted(unknown))} (there are {', '.join(known)})")
    default = [workload.name for workload in WORKLOADS if workload.in_default]
    chosen.workloads = names if chosen.all else chosen.workloads or default
    return chosen


if __name__ == "__main__":
    sys.exit(main())
