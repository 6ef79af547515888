"""`bff keys`: made, listed, rotated, revoked, in a file and in Redis; shown once and kept nowhere."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner, Result

from bff.commands.keys import app, state_of_key
from bff.errors import Refusal
from bff.identity.api_key import KeyRecord
from bff.identity.api_keys import ApiKeys
from bff.identity.configured import key_home_of
from bff.identity.key_home import KeyHome
from bff.identity.unauthenticated import Unauthenticated
from bff.settings import CONFIG_VARIABLE, load
from bff.state.open import state_of
from tests.redis_server import redis_server

Done = TypeVar("Done")


@pytest.fixture(params=["file", "redis"])
def config(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings of a project whose keys are in a file, or in Redis."""
    path = tmp_path / "bff.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    if request.param == "file":
        path.write_text(f'[api_keys]\nfile = "{tmp_path / "keys.json"}"\n')
        yield path
        return
    with asyncio.Runner() as runner:
        server = redis_server()
        path.write_text(f'[state]\nurl = "{runner.run(server.__aenter__()).url}"\ntimeout = 2.0\n')
        yield path
        runner.run(server.__aexit__(None, None, None))


def bff(*words: str) -> Result:
    return CliRunner().invoke(app, words, catch_exceptions=False)


def record_of(key_id: str) -> KeyRecord | None:
    """What is kept, as a gateway finds it."""

    async def find(home: KeyHome) -> KeyRecord | None:
        return await home.find(key_id)

    return asyncio.run(_in_home(find))


def opens(key: str) -> bool:
    async def check(home: KeyHome) -> bool:
        keys = ApiKeys(home)
        try:
            await keys.check(key)
        except Unauthenticated:
            return False
        finally:
            await keys.close()
        return True

    return asyncio.run(_in_home(check))


async def _in_home(work: Callable[[KeyHome], Awaitable[Done]]) -> Done:
    settings = load()
    store = state_of(settings.state)
    await store.start()
    try:
        home = key_home_of(settings.api_keys, store)
        assert home is not None
        return await work(home)
    finally:
        await store.close()


@pytest.mark.usefixtures("config")
def test_a_new_key_is_shown_once_and_opens_what_it_was_made_for() -> None:
    made = bff("new", "--app", "partner", "--to", "routes/orders", "--scope", "orders:read", "--tenant", "acme", "--days", "90")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert "\n" not in key  # the key alone: `KEY=$(bff keys new ...)`
    record = record_of(key[4:16])
    assert record is not None
    assert (record.to, record.scopes, record.tenant) == (("routes/orders", "partner/*"), ("orders:read",), "acme")
    assert record.expires == record.created + 90 * 86400
    assert opens(key)
    listed = bff("list").stdout
    assert record.id in listed
    assert "active until" in " ".join(listed.split())
    assert key.partition(".")[2] not in listed + made.stderr + repr(record)


@pytest.mark.usefixtures("config")
def test_s036_a_revoked_key_opens_nothing_and_stays_in_the_list() -> None:
    key = bff("new", "--app", "partner").stdout.strip()
    key_id = key[4:16]
    bff("revoke", key_id)
    assert not opens(key)
    assert "revoked" in bff("list").stdout
    bff("revoke", key_id)  # twice is once
    with pytest.raises(Refusal, match="has ended"):
        bff("rotate", key_id)


@pytest.mark.usefixtures("config")
def test_a_rotated_key_has_two_secrets_for_a_while_and_never_three() -> None:
    old = bff("new", "--app", "partner", "--scope", "a").stdout.strip()
    key_id = old[4:16]
    new = bff("rotate", key_id, "--overlap", "1").stdout.strip()
    assert new[4:16] == key_id
    assert new != old
    assert opens(old)
    assert opens(new)
    record = record_of(key_id)
    assert record is not None
    assert record.scopes == ("a",)
    assert state_of_key(record, time.time()).startswith("rotating until")
    with pytest.raises(Refusal, match="has 2 secrets already"):
        bff("rotate", key_id)
    last = bff("rotate", key_id, "--overlap", "0").stdout.strip()
    assert [opens(one) for one in (old, new, last)] == [False, False, True]


@pytest.mark.usefixtures("config")
def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(Refusal, match="opens nothing by itself"):
        bff("new")
    with pytest.raises(Refusal, match="write app/"):
        bff("new", "--to", "partner")
    with pytest.raises(Refusal, match="there is no key nobody"):
        bff("revoke", "nobody")


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("hours", ["1e12", "inf", "nan", "720.5", "-1"])
def test_an_overlap_without_an_end_is_refused_before_anything_is_changed(hours: str) -> None:
    """A new secret that is kept and then not shown would be a key that nobody has."""
    key = bff("new", "--app", "partner").stdout.strip()
    before = record_of(key[4:16])
    with pytest.raises(Refusal, match=r"--overlap .*: give 0 to 720 hours"):
        bff("rotate", key[4:16], "--overlap", hours)
    assert record_of(key[4:16]) == before


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("days", ["1000000000000", "3651", "0", "-1"])
def test_days_without_an_end_are_refused_and_ten_years_are_not(days: str) -> None:
    with pytest.raises(Refusal, match=rf"--days {days}: give 1 to 3650"):
        bff("new", "--app", "partner", "--days", days)
    assert bff("list").stdout == ""
    assert bff("new", "--app", "partner", "--days", "3650").exit_code == 0
    assert "active until" in bff("list").stdout


@pytest.mark.parametrize("seconds", [10**15, 10**30, -(10**15)])
def test_a_record_with_a_time_that_no_calendar_has_is_listed_all_the_same(seconds: int) -> None:
    record = KeyRecord("a", (), (), 1, expires=seconds)
    assert state_of_key(record, 2.0).endswith("a time that no calendar has")


def test_a_key_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bff.toml"
    path.write_text(f'[api_keys]\nfile = "{path}/keys.json"\n')  # below a file
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    with pytest.raises(Refusal, match="cannot be written"):
        bff("new", "--app", "partner")


def test_without_a_place_for_keys_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bff.toml"
    path.write_text("")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    with pytest.raises(Refusal, match="no place for keys"):
        bff("new", "--app", "partner")


def test_the_file_holds_hashes_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bff.toml"
    path.write_text(f'[api_keys]\nfile = "{tmp_path / "keys.json"}"\n')
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    key = bff("new", "--app", "partner", "--note", "Acme [ops]").stdout.strip()
    text = (tmp_path / "keys.json").read_text()
    assert key.partition(".")[2] not in text
    assert json.loads(text)["keys"][0]["note"] == "Acme [ops]"
    assert "Acme [ops]" in bff("list").stdout  # and rich takes nothing in it for markup
    assert [one["id"] for one in json.loads(text)["keys"]] == [key[4:16]]
