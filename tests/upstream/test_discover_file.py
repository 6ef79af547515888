"""A file of instances: what may stand in it, how it is replaced, and that a broken one changes nothing."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bff.endpoint import Endpoint
from bff.upstream.discover_file import FileLook
from bff.upstream.discover_watch import NothingFound, Watch
from bff.upstream.stats import ServiceStats

ONE, TWO = Endpoint("http", "10.0.0.1", 80), Endpoint("http", "10.0.0.2", 80)
BROKEN = {
    "half written": 'instances = ["http://10.0.0.1:80", "ht',
    "empty": "",
    "nobody": "instances = []",
    "no list": 'instances = "http://10.0.0.1:80"',
    "no address": 'instances = ["10.0.0.1:80"]',
    "no port": 'instances = ["http://10.0.0.1:x"]',
    "misspelt": 'instance = [{url = "http://10.0.0.1:80", wieght = 3}]',
    "a weight of nothing": 'instance = [{url = "http://10.0.0.1:80", weight = 0}]',
    "too large": "#" * (1024 * 1024 + 1),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "users.toml"
    file.write_text('instances = ["http://10.0.0.1:80"]')
    return file


def write(file: Path, content: str, encoding: str = "utf-8") -> None:
    file.write_text(content, encoding)


def replace(how: str, file: Path, watched: Path, content: str) -> None:
    """With a file that has the same times."""
    then = file if how == "written over" else file.with_name("other.toml")
    times = file.stat()
    then.write_text(content)
    os.utime(then, ns=(times.st_atime_ns, times.st_mtime_ns))
    if how == "renamed onto":
        then.replace(file)
    if how == "link turned":
        link = file.with_name("link.toml")
        link.symlink_to(then)
        link.replace(watched)


async def test_a_plain_list_and_one_with_weights_may_stand_side_by_side(file: Path) -> None:
    write(
        file,
        'instances = ["http://10.0.0.1:80"]\n[[instance]]\nurl = "https://b.internal"\nweight = 3\n'
        '[[instance]]\nurl = "http://[::1]:81"',
    )
    seen = await FileLook(file, 5.0)()
    assert seen.endpoints == (ONE, Endpoint("https", "b.internal", 443, 3), Endpoint("http", "::1", 81))


async def test_it_is_looked_at_every_second_or_as_often_as_is_wanted(file: Path) -> None:
    assert (await FileLook(file, 5.0)()).again == 1.0
    assert (await FileLook(file, 0.2)()).again == 0.2


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
async def test_a_file_that_is_no_list_tells_nothing_and_names_itself(content: str, file: Path) -> None:
    look = FileLook(file, 5.0)
    await look()
    write(file, content)
    for _ in range(2):
        with pytest.raises(NothingFound, match=r"users\.toml: "):
            await look()
    write(file, 'instances = ["http://10.0.0.1:80"]')
    assert (await look()).endpoints == (ONE,)


async def test_bytes_that_are_no_text_tell_nothing(file: Path) -> None:
    write(file, 'instances = ["\xff\xfe"]', "latin-1")
    with pytest.raises(NothingFound):
        await FileLook(file, 5.0)()


async def test_a_file_that_is_not_there_yet_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingFound, match="No such file"):
        await FileLook(tmp_path / "later.toml", 5.0)()


@pytest.mark.parametrize("how", ["written over", "renamed onto", "link turned"])
async def test_a_change_is_followed_however_it_is_made(how: str, file: Path) -> None:
    """As an editor, as a deploy script, as Kubernetes with a ConfigMap; of the same size and with the same times."""
    stats, found = ServiceStats(), asyncio.Queue[Sequence[Endpoint]](10)
    watched = file.with_name("watched.toml")
    watched.symlink_to(file)
    watch = Watch("users", FileLook(watched, 0.02), 0.02, stats)
    watch.start(found.put_nowait)
    async with asyncio.timeout(5):
        assert await found.get() == (ONE,)
        replace(how, file, watched, 'instances = ["http://10.0.0.2:80"]')
        assert await found.get() == (TWO,)
    await watch.close()
