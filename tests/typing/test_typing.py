"""Both type checkers take every right use of the public API and refuse every wrong one, each on its own line.

`api.py` holds the right uses, `wrong_*.py` the wrong ones: a line is marked `# refused: <why>`. One process a checker.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WRONG = sorted(HERE.glob("wrong_*.py"))

Place = tuple[str, int]


def marked() -> set[Place]:
    return {
        (file.name, number)
        for file in WRONG
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if "# refused: " in line
    }


def test_mypy_refuses_the_marked_lines_and_no_others() -> None:
    files = [str(file.relative_to(ROOT)) for file in (HERE / "api.py", *WRONG)]
    told = checked("mypy", "--strict", "--no-error-summary", "--no-pretty", *files)
    refused = re.findall(r"^tests/typing/(\w+\.py):(\d+): error: ", told, re.MULTILINE)
    assert {(file, int(line)) for file, line in refused} == marked(), told


def test_pyright_refuses_the_marked_lines_and_no_others() -> None:
    told = checked("pyright", "--outputjson", "-p", str(HERE / "pyrightconfig.json"))
    report = json.loads(told)
    assert report["summary"]["filesAnalyzed"] >= len(WRONG) + 1
    errors = [found for found in report["generalDiagnostics"] if found["severity"] == "error"]
    refused = {(Path(found["file"]).name, found["range"]["start"]["line"] + 1) for found in errors}
    assert refused == marked(), told


def test_there_are_wrong_uses_to_refuse() -> None:
    assert len(marked()) > 40


def checked(checker: str, *arguments: str) -> str:
    """What a checker says; it ends with 1 when it has refused something."""
    ended = subprocess.run([sys.executable, "-m", checker, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout
