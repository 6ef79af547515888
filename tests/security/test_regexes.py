"""No pattern of ours takes long over any text (S108)."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import bff
from tests.security.kit import Door

LENGTH = 50_000
WAYS = ("search", "match", "fullmatch", "findall", "finditer", "split", "sub")
MOST = 0.010  # seconds
# What sends a pattern back and forth: long runs that nearly match, of every letter that any of ours has to do with.
RUNS = ("a", "A", "0", "9", " ", "\t", "/", ".", "-", "_", ",", ";", "=", "%", "%2", '"', "\\", "\\\\", "(", "[", "{", ":", "@",
        "a.", "a,", "a-", "a/", "/.", "1.", "a ", " ,", '"a', "a1", "en-", "%2e", "secret", "my", "üa", "\n")  # fmt: skip
ENDS = ("", "!", "\x00", "\n", "\u00fc", '"')
TEXTS = [run * (LENGTH // len(run)) + end for run in RUNS for end in ENDS]


def patterns() -> Iterator[tuple[str, "re.Pattern[Any]", str]]:  # Any: of text or of bytes
    """Every one that stands in a module of bff or in the settings, with each of the ways in which it is asked there."""
    for module in pkgutil.walk_packages(bff.__path__, "bff."):
        if module.name.startswith("bff.commands") or module.name.endswith("__main__"):
            continue  # they read what their user has written, at their user's own desk
        found = importlib.import_module(module.name)
        source = Path(str(found.__file__)).read_text()
        for name, value in vars(found).items():
            if isinstance(value, re.Pattern):
                for way in WAYS:
                    if f"{name}.{way}(" in source:
                        yield f"{module.name}.{name}", value, way
            elif isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.name:
                for field, about in value.model_fields.items():
                    yield from ((f"{module.name}.{name}.{field}", re.compile(pattern), "match") for pattern in _stated(about))


def _stated(about: FieldInfo) -> Iterator[str]:
    for one in about.metadata:
        pattern = getattr(one, "pattern", None)
        if isinstance(pattern, str):
            yield pattern


FOUND = list(patterns())


@pytest.mark.parametrize(("name", "pattern", "way"), FOUND, ids=[f"S108 {name}.{way}" for name, _, way in FOUND])
def test_a_pattern_is_done_with_any_50_kb_in_10_ms(name: str, pattern: "re.Pattern[Any]", way: str) -> None:
    asked = getattr(pattern, way)
    ask = partial(asked, type(pattern.pattern)()) if way == "sub" else asked
    for text in TEXTS:
        given = text if isinstance(pattern.pattern, str) else text.encode()
        if _seconds(ask, given) > MOST:  # a core's cache may be cold, but not five times over
            assert min(_seconds(ask, given) for _ in range(5)) <= MOST, (name, way, text[:20])


def _seconds(ask: Any, text: object) -> float:  # Any: a pattern's method
    began = time.thread_time()  # of the core: what others do on it meanwhile is no pattern's
    ask(text)
    return time.thread_time() - began


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("member", ["query", "operationName", "variables"])
async def test_s108_nor_does_a_body_of_50_kb(door: Door, member: str) -> None:
    """Through the whole of it: guard, parser, validators."""
    for text in TEXTS[:: len(ENDS)]:
        text = (
            text.encode("ascii", "ignore")
            .decode()
            .replace("\\", "\\\\")
            .replace('"', '\\"')
            .replace("\n", "\\n")
            .replace("\t", "\\t")
        )
        body = f'{{"query": "{{ __typename }}", "{member}": "{text}"}}'
        answer = await door.ask("POST", "/mobile/graphql", headers={"content-type": "application/json"}, content=body)
        assert answer.status_code in (200, 400, 413, 422)
        assert answer.elapsed.total_seconds() < 1
