"""The `bff` command as a process: what it refuses it tells on standard error, whole, and exits with 2."""

import sys
from pathlib import Path

from tests.commands.copy_of_project import run

BAD = """
from dataclasses import dataclass

from bff import Client, Screen, needs, section
from composers.apps import mobile


@dataclass
class Page:
    head: str


class Nowhere(Client, service="nowhere"):
    async def word(self) -> str:
        return await self.get("/word", str)


@section()
async def head(nowhere: Nowhere, words: list[str]) -> str:
    return await nowhere.word()


odd = Screen("/odd", Page(head=needs(head)), apps=(mobile,))
"""


def test_every_fault_is_told_whole_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "composers").mkdir()
    (tmp_path / "composers" / "__init__.py").touch()
    (tmp_path / "composers" / "apps.py").write_text('from bff import App\nmobile = App("mobile")\n')
    (tmp_path / "composers" / "odd.py").write_text(BAD)
    (tmp_path / "bff.toml").write_text("")
    done = run(tmp_path, f"{sys.executable} -m bff check")
    assert done.returncode == 2, done.stdout
    assert "composers/odd.py:18 head: Nowhere calls service 'nowhere'" in done.stdout
    assert "add [services.nowhere]" in done.stdout, "what stands in brackets is not eaten as markup"
    assert "write Annotated[list[...], Len(max_length=...)]" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_folder_without_settings_is_told_so(tmp_path: Path) -> None:
    done = run(tmp_path, f"{sys.executable} -m bff check")
    assert done.returncode == 2
    assert "bff.toml: no such file; run in the project's folder" in done.stdout
