"""What is committed is compared with what is now; a difference tells what it breaks, for whom, and the mend."""

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

UPDATE = bool(os.environ.get("UPDATE"))
SHOWN = 80  # lines of a diff; git shows the rest

Breaking = Callable[[str, str], list[str]]
MEND = "when it is meant: make contracts UPDATE=1, and review the change"
BREAKING_MEND = (
    "clients that are out there would fail: keep what they use (add the new beside it, mark the old @deprecated), or see in "
    "the access log that nobody uses it any more, and only then: make contracts UPDATE=1"
)


def hold(file: Path, now: str, breaking: Breaking | None = None, *, whom: str = "clients", update: bool = UPDATE) -> None:
    """Fail if `now` is not what `file` holds; write it there when asked to. `breaking` names what breaks `whom`."""
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(now)
        return
    if not file.exists():
        pytest.fail(f"{file} is not there; `make contracts UPDATE=1` writes it")
    committed = file.read_text()
    if now != committed:
        pytest.fail(told(file.name, committed, now, breaking, whom), pytrace=False)


def told(name: str, committed: str, now: str, breaking: Breaking | None, whom: str) -> str:
    diff = list(difflib.unified_diff(committed.splitlines(), now.splitlines(), "committed", "now", lineterm="", n=2))
    rest = [f"... and {len(diff) - SHOWN} lines more"] if len(diff) > SHOWN else []
    lines = [f"{name} is not what was committed"]
    if breaking is not None:
        found = breaking(committed, now)
        lines += [f"breaks {whom}: {change}" for change in found] or [f"breaks none of {whom}"]
        lines += [BREAKING_MEND] if found else [MEND]
    else:
        lines += [MEND]
    return "\n".join([*lines, *diff[:SHOWN], *rest])
