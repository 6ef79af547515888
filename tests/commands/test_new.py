"""What `bff new` refuses, before it writes anything. What it makes is tried in test_howtos.py."""

from pathlib import Path

import pytest

from bff.commands import new
from bff.errors import Refusal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with one app, which commands run in."""
    (tmp_path / "composers").mkdir()
    (tmp_path / "composers" / "apps.py").write_text('mobile = App("mobile")\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.py")} - {"composers/apps.py"}


def test_a_screen_is_three_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new.screen("last_orders", "mobile")
    assert written(here) == {"schemas/last_orders.py", "composers/last_orders.py", "tests/composers/test_last_orders.py"}
    assert "bff plan lastOrders" in capsys.readouterr().out, "by the name that the screen has"


def test_a_screen_of_an_app_in_a_module_of_its_own_imports_it_from_there(here: Path) -> None:
    new.new_app("tv")
    new.screen("tv_home", "tv")
    assert "from composers.tv import tv\n" in (here / "composers" / "tv_home.py").read_text()


def test_what_to_put_into_the_settings_is_told_in_full(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new.backend("loyalty")
    assert "[services.loyalty]" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["Lunch", "last-orders", "1st", "a__b", "../x", "class", "section", "mobile", "x" * 31, ""])
def test_a_name_that_cannot_work_writes_nothing(here: Path, name: str) -> None:
    with pytest.raises(Refusal, match=r"name|characters"):
        new.screen(name, "mobile")
    assert written(here) == set()


def test_an_app_that_is_not_there_is_refused_with_the_mend(here: Path) -> None:
    with pytest.raises(Refusal, match="make it by `bff new app tv`"):
        new.screen("tv_home", "tv")
    assert written(here) == set()


def test_nothing_is_written_over(here: Path) -> None:
    new.screen("lunch", "mobile")
    (here / "schemas" / "lunch.py").write_text("mine")
    with pytest.raises(Refusal, match=r"schemas/lunch\.py is there already"):
        new.screen("lunch", "mobile")
    assert (here / "schemas" / "lunch.py").read_text() == "mine"


def test_it_runs_in_a_projects_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match="run in the project's folder"):
        new.backend("loyalty")
    with pytest.raises(Refusal, match="run in the project's folder"):
        new.screen("lunch", "mobile")


@pytest.mark.parametrize("name", ["client", "json", "stub_service"])
def test_a_name_whose_class_would_hide_what_the_files_import_is_refused(here: Path, name: str) -> None:
    with pytest.raises(Refusal, match="has a meaning of its own"):
        new.backend(name)
    assert written(here) == set()
