"""The how-tos, each followed to the letter in a copy of the project with the demo's services running; and the files that
`bff new` makes. What comes of it passes every check.
"""

import asyncio
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backends.running import Backends
from tests.commands.copy_of_project import ROOT, copy_to, run
from tests.commands.howto import Step, steps

# One of each kind with a name as long as they come, in one process: starting it is most of what a command takes.
SCAFFOLD = """
from bff.commands import new
new.new_app("glasses_that_are_rather_smart0")
new.screen("a_screen_that_has_a_long_name0", "glasses_that_are_rather_smart0")
new.screen("another_one_on_the_phone", "mobile")
new.backend("a_service_with_a_rather_long00")
"""


@dataclass
class Followed:
    """A copy of the project after a page was followed, what each command said, and which files it made or changed."""

    folder: Path
    said: list[tuple[str, subprocess.CompletedProcess[str]]] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def output(self, command: str) -> str:
        [found] = [done.stdout for line, done in self.said if line == command]
        return found


async def followed(folder: Path, todo: list[Step]) -> Followed:
    """Follow the steps; fails at the first command that does."""
    done = Followed(copy_to(folder))
    async with Backends.start(free_ports=True) as backends:
        _use(done.folder / "bff.toml", backends)
        before = _tree(done.folder)
        for step in todo:
            await asyncio.to_thread(_follow, done, step)
        after = _tree(done.folder)
    done.made = {name for name, text in after.items() if before.get(name) != text}
    return done


def _follow(done: Followed, step: Step) -> None:
    if step.path is not None:
        file = done.folder / step.path
        file.write_text(file.read_text() + "\n" + step.text if step.kind == "toml" else step.text)
        return
    for line in step.text.splitlines():
        done.said.append((line, run(done.folder, line)))
        assert done.said[-1][1].returncode == 0, f"{line}\n{done.said[-1][1].stdout}"


def _use(file: Path, backends: Backends) -> None:
    """Point the copy's settings at services on free ports: other tests may have the demo's own."""
    text = file.read_text()
    for name in backends.names():
        at = ", ".join(f'"http://{address}"' for address in backends.addresses(name))
        text = re.sub(rf"(\[services\.{name}\]\n(?:.+\n)*?)instances = .*", rf"\1instances = [{at}]", text)
    file.write_text(text)


def _tree(folder: Path) -> dict[str, bytes]:
    """Every file of the copy that a person would write, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in ("bff.toml", "bff", "clients", "composers", "schemas", "tests", "contract_tests")
        for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def passes_every_check(done: Followed) -> None:
    """Format, lint, types and `bff check`; pyright is left to `make check`, which sees these files' templates too."""
    python = " ".join(sorted(name for name in done.made if name.endswith(".py")))
    for command in (f"ruff format --check {python}", f"ruff check {python}", f"mypy {python}", "bff check"):
        said = run(done.folder, f".venv/bin/python -m {command}")
        assert said.returncode == 0, f"{command}\n{said.stdout}"


async def test_add_a_screen_makes_three_new_files_and_touches_no_shared_one(tmp_path: Path) -> None:
    done = await followed(tmp_path, steps(ROOT / "docs" / "add-a-screen.md"))
    snapshots = {f"contract_tests/snapshots/{name}" for name in ("mobile.graphql", "mobile.openapi.json")}
    assert done.made - snapshots == {"composers/lunch.py", "schemas/lunch.py", "tests/composers/test_lunch.py"}
    shown = done.output(".venv/bin/bff call mobile lunch area=Kreuzberg")
    assert '"complete": true' in shown
    assert "reviews GET /ratings" in shown, "cards have their ratings without a line"
    passes_every_check(done)


async def test_add_a_backend_makes_two_new_files_and_a_paragraph_of_settings(tmp_path: Path) -> None:
    done = await followed(tmp_path, steps(ROOT / "docs" / "add-a-backend.md"))
    assert done.made == {"bff.toml", "clients/loyalty.py", "tests/clients/test_loyalty.py"}
    assert "loyalty" in done.output(".venv/bin/bff check --effective")
    passes_every_check(done)


async def test_add_an_app_makes_an_app_with_a_screen(tmp_path: Path) -> None:
    done = await followed(tmp_path, steps(ROOT / "docs" / "add-an-app.md"))
    assert {name for name in done.made if not name.startswith("contract_tests/")} == {
        "composers/tv.py",
        "composers/tv_home.py",
        "schemas/tv_home.py",
        "tests/composers/test_tv.py",
        "tests/composers/test_tv_home.py",
    }
    assert {"contract_tests/snapshots/tv.graphql", "contract_tests/snapshots/tv.openapi.json"} <= done.made
    assert '"complete": true' in done.output(".venv/bin/bff call tv home")
    passes_every_check(done)


async def test_what_bff_new_makes_passes_every_check_and_its_tests(tmp_path: Path) -> None:
    (tmp_path / "scaffold.py").write_text(SCAFFOLD)
    done = await followed(tmp_path, [Step("sh", ".venv/bin/python scaffold.py")])
    assert len(done.made) == 2 + 3 + 3 + 2
    passes_every_check(done)
    tests = " ".join(sorted(name for name in done.made if name.startswith("tests/")))
    said = run(done.folder, f".venv/bin/python -m pytest -q {tests}")
    assert said.returncode == 0, said.stdout


def test_a_block_that_nobody_can_follow_is_a_fault_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in ("```python\nx = 1\n```\n", "```\nls\n```\n"):
        page.write_text(text)
        with pytest.raises(ValueError, match=r"page\.md"):
            steps(page)
