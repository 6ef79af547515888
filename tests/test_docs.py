"""What the pages say is so: links lead somewhere, named tests and commands exist, and the README's calls give its output."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import httpx
import pytest
import typer

from bff.commands import app
from bff.commands.settings import document
from bff.testing import Fault
from tests.product.world import World, world

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
GATEWAY = "http://127.0.0.1:8000"  # where the README's demo is; the test's is elsewhere

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


@lru_cache
def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), f"{page.name}: {target}"
        assert found.is_relative_to(ROOT), f"{page.name}: {target} leads out of the repository"
        assert not anchor or anchor in anchors(found), f"{page.name}: {target}: no such heading"


# The features


@lru_cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def rows() -> dict[str, str]:
    parts = re.split(r"^### ", (ROOT / "docs" / "features.md").read_text(), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


@pytest.mark.parametrize("row", rows())
def test_every_feature_has_its_tests_and_each_of_them_exists(row: str) -> None:
    named = re.findall(r"`((?:contract_)?tests/[\w/]+\.py)::(\w+)`", rows()[row])
    assert named, f"{row}: no test is named"
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert test in functions_of(file), f"{file}::{test}"


# The settings


def test_the_page_of_settings_is_what_bff_settings_prints() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == document(), "run `make docs`"


# The README's commands


def said() -> Iterator[str]:
    """Every piece of code in the README, line by line."""
    for kind, block in _FENCE.findall(README):
        if kind == "sh":
            yield from block.replace("\\\n", " ").splitlines()
    yield from _CODE.findall(prose(ROOT / "README.md"))


def test_every_make_target_in_the_readme_exists() -> None:
    there = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for code in said() for target in re.findall(r"\bmake ([a-z]+)", code)}
    assert named
    assert named <= there


def test_every_bff_command_in_the_readme_exists_and_none_is_left_out() -> None:
    there = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group's, which click types loosely
    named = {command for code in said() for command in re.findall(r"\bbff ([a-z]+)", code)}
    assert named == there


# The README's calls, over the real product


def steps() -> list[tuple[list[str], str]]:
    """The lines to paste, block by block, each with the output shown below it."""
    blocks = _FENCE.findall(README)
    following = [*blocks[1:], ("", "")]
    return [
        (block.replace("\\\n", " ").splitlines(), shown if then == "text" else "")
        for (kind, block), (then, shown) in zip(blocks, following, strict=True)
        if kind == "sh"
    ]


async def curl(product: World, line: str) -> str:
    """What curl would print of it, as far as the README uses curl."""
    words = iter(shlex.split(line)[1:])
    headers, url, body, head, size = {}, "", None, False, False
    for word in words:
        match word:
            case "-s" | "-si":
                head = word == "-si"
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value.replace("$TOKEN", product.token)
            case "-d":
                body = next(words)
            case "-o":
                assert next(words) == "/dev/null"
            case "-w":
                size = next(words) == r"%{size_download} bytes\n"
            case _:
                assert word.startswith(GATEWAY), f"the test does not know what curl makes of {word}"
                url = product.public + word.removeprefix(GATEWAY)
    answer: httpx.Response = await product.http.request("POST" if body else "GET", url, headers=headers, content=body)
    if size:
        return f"{len(answer.content)} bytes\n"
    top = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}", *(f"{k}: {v}" for k, v in answer.headers.items())]
    return "\n".join([*top, "", answer.text] if head else [answer.text])


def fits(shown: str, real: str) -> bool:
    """Whether `shown` is `real`, but for white space and what is left out as `...`."""
    parts = [re.escape("".join(part.split())) for part in shown.split("...")]
    return re.fullmatch(".*".join(parts), "".join(real.split())) is not None


def sizes_fit(shown: str, real: str) -> bool:
    """Whether both are the same numbers of bytes, give or take a digit: an order comes nearer by the minute."""
    ours, theirs = re.findall(r"^(\d+) bytes$", shown, re.MULTILINE), re.findall(r"^(\d+) bytes$", real, re.MULTILINE)
    return len(ours) == len(theirs) > 0 and all(abs(int(a) - int(b)) <= 2 for a, b in zip(ours, theirs, strict=True))


async def test_the_readmes_calls_give_what_it_shows(tmp_path: Path) -> None:
    called = 0
    async with world(tmp_path) as product:
        for lines, shown in steps():
            real = ""
            for line in lines:
                broken = re.fullmatch(r"\.venv/bin/bff break (\w+) --hang", line)
                if broken:
                    product.backends.stub(broken[1]).fault = Fault("hang")
                elif line == ".venv/bin/bff heal":
                    product.reset()
                elif line.startswith("curl "):
                    real += await curl(product, line)
                    called += 1
            assert not real or fits(shown, real) or sizes_fit(shown, real), f"{lines}\n{real}"
    assert called >= 8
