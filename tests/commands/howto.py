"""A how-to as something that can be followed: its code blocks in order, each a file to write or commands to run."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+)`:\s*\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One block: `sh` lines to run, `python` for the whole file `path`, `toml` to add to the end of `path`."""

    kind: str
    text: str
    path: str | None = None


def steps(page: Path) -> list[Step]:
    """The page's blocks; a block whose kind or file cannot be told is a fault of the page."""
    found = []
    text = page.read_text()
    for fence in _FENCE.finditer(text):
        kind, block = fence[1], fence[2]
        named = _NAMED.search(text[: fence.start()])
        if kind not in ("sh", "python", "toml"):
            raise ValueError(f"{page.name}: a block of kind {kind!r}, which nobody can follow:\n{block}")
        if kind != "sh" and named is None:
            raise ValueError(f"{page.name}: no file is named (`path`:) above this block:\n{block}")
        found.append(Step(kind, block, named[1] if named and kind != "sh" else None))
    return found
