"""What is installed is what was locked, byte for byte (S151)."""

import base64
import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.product.world import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
# One of the lock's own packages, small and pure; what is tampered with is a wheel under its name.
PACKAGE = "annotated-types"
_ENTRY = re.compile(rf"^{PACKAGE}==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{{64}}(?: \\)?\n)+)", re.MULTILINE)


def test_s151_a_wheel_that_is_not_the_locked_one_is_not_installed(tmp_path: Path) -> None:
    entry = _ENTRY.search((ROOT / LOCKS[0]).read_text())
    assert entry is not None
    wheel(tmp_path, entry[1])
    (tmp_path / "copy.lock").write_text(entry[0])
    done = install(tmp_path)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout + done.stderr
    assert not (tmp_path / "there").exists()


def test_s151_the_same_wheel_is_installed_when_its_hash_is_the_locked_one(tmp_path: Path) -> None:
    made = wheel(tmp_path, "1.0")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (tmp_path / "copy.lock").write_text(f"{PACKAGE}==1.0 --hash=sha256:{digest}\n")
    done = install(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "tampered.py").is_file()


@pytest.mark.parametrize("lock", LOCKS)
def test_s151_every_package_of_a_lock_has_its_hashes_and_none_comes_from_elsewhere(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.findall(r"^[A-Za-z0-9].*(?:\n    .*)*", text, re.MULTILINE)
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert not re.search(r"^(-e|--index-url|--extra-index-url|--find-links|--trusted-host)|://|@ ", text, re.MULTILINE)


def test_s151_every_install_asks_for_the_hashes() -> None:
    for file in ("Makefile", "Dockerfile"):
        for line in re.findall(r"^.*pip(?: |\))install.*$|^.*install .*-r .*$", (ROOT / file).read_text(), re.MULTILINE):
            if "requirements" in line or " -r " in line:
                assert "--require-hashes" in line, f"{file}: {line}"


def install(folder: Path) -> "subprocess.CompletedProcess[str]":
    """pip as the Makefile calls it, but from a folder and to a folder."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps"),
            *("--no-index", "--find-links", str(folder), "--target", str(folder / "there"), "-r", str(folder / "copy.lock")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def wheel(folder: Path, version: str) -> Path:
    """A wheel of that name and version with a module that the real one has not."""
    name = f"{PACKAGE.replace('-', '_')}-{version}"
    files = {
        "tampered.py": "",
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    files[f"{name}.dist-info/RECORD"] = f"{record}{name}.dist-info/RECORD,,\n"
    made = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return made


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
