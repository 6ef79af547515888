"""Where API keys live: a file that is replaced whole, and Redis."""

import asyncio
import json
import os
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from bff.errors import Refusal
from bff.identity.api_key import KeyRecord
from bff.identity.api_keys import ApiKeys
from bff.identity.key_file import MAX_BYTES, FiledKeys
from bff.identity.key_home import KeyHome, KeysUnreadable, StoredKeys, _at
from bff.state.open import state_of
from bff.state.store import Store
from bff.state_settings import StateSettings
from tests.identity.test_api_keys import made
from tests.identity.tokens import NOW, Time
from tests.redis_server import redis_server


@asynccontextmanager
async def redis_store() -> AsyncIterator[Store]:
    async with redis_server() as server:
        store = state_of(StateSettings(url=server.url, timeout=2.0))
        await store.start()
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture(params=["file", "redis"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyHome]:
    if request.param == "file":
        yield FiledKeys(tmp_path / "deep" / "keys.json", lambda: float("inf"))
        return
    async with redis_store() as store:
        yield StoredKeys(store)


async def test_what_is_put_is_found_and_listed(home: KeyHome) -> None:
    first, second = made()[1], made(tenant="acme", note="Ä", expires=NOW + 1)[1]
    assert await home.find(first.id) is None
    await home.put(first, None)
    await home.put(second, None)
    assert await home.find(first.id) == first
    assert await home.find(second.id) == second
    assert sorted(await home.all(), key=lambda one: one.id) == sorted([first, second], key=lambda one: one.id)


async def test_a_key_that_somebody_else_changed_is_not_overwritten(home: KeyHome) -> None:
    record = made()[1]
    await home.put(record, None)
    revoked = msgspec.structs.replace(record, revoked=NOW)
    await home.put(revoked, record)
    with pytest.raises(Refusal, match="changed by somebody else"):
        await home.put(msgspec.structs.replace(record, note="new"), record)
    with pytest.raises(Refusal, match="changed by somebody else"):
        await home.put(record, None)
    assert await home.find(record.id) == revoked


async def test_a_record_that_an_older_release_wrote_can_be_revoked() -> None:
    """It has less in it than we would write: what is replaced are the bytes that are there."""
    store = state_of(StateSettings())
    home = StoredKeys(store)
    record = made()[1]
    await home.put(record, None)
    older = json.loads(await store.get(_at(record.id)) or b"")
    del older["note"]
    await store.set(_at(record.id), json.dumps(older).encode(), 60.0)
    found = await home.find(record.id)
    assert found is not None
    revoked = msgspec.structs.replace(found, revoked=NOW)
    await home.put(revoked, found)
    assert await home.find(record.id) == revoked
    await store.close()


async def test_two_writers_at_once_lose_no_key(home: KeyHome, tmp_path: Path) -> None:
    records = [made()[1] for _ in range(8)]
    homes: list[KeyHome] = [FiledKeys(home._path) if isinstance(home, FiledKeys) else home for _ in records]
    await asyncio.gather(*(one.put(record, None) for one, record in zip(homes, records, strict=True)))
    assert {record.id for record in await home.all()} == {record.id for record in records}


async def test_the_file_is_its_owners_alone_and_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    home = FiledKeys(path)
    key, record = made()
    await home.put(record, None)
    before = path.stat()
    assert stat.S_IMODE(before.st_mode) == 0o600
    await home.put(msgspec.structs.replace(record, note="x"), record)
    assert path.stat().st_ino != before.st_ino
    assert os.listdir(tmp_path) == ["keys.json"]
    assert key.partition(".")[2] not in path.read_text()


async def test_a_file_that_was_there_stays_whose_it_was_and_as_open_as_it_was(tmp_path: Path) -> None:
    """`bff keys` run as root leaves a file that the gateway can read."""
    path = tmp_path / "keys.json"
    home = FiledKeys(path)
    record = made()[1]
    await home.put(record, None)
    path.chmod(0o640)
    other = 12345 if os.geteuid() == 0 else os.getegid()  # who is not root can give nothing away
    os.chown(path, other if os.geteuid() == 0 else -1, other)
    before = path.stat()
    await home.put(msgspec.structs.replace(record, note="x"), record)
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)


async def test_a_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("no folder")
    record = made()[1]
    with pytest.raises(Refusal, match=r"keys\.json: cannot be written \(File exists\): nothing was changed"):
        await FiledKeys(tmp_path / "deep" / "keys.json").put(record, None)


async def test_a_disk_that_hangs_holds_one_thread_whoever_asks_and_is_read_when_it_answers(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    record = made()[1]
    await FiledKeys(tmp_path / "good.json").put(record, None)
    os.mkfifo(path, 0o600)  # whoever opens it waits until somebody writes
    home = FiledKeys(path)
    for _ in range(50):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await home.find(record.id)
    assert [thread.name for thread in threading.enumerate()].count("key file") == 1
    asking = asyncio.create_task(home.find(record.id))
    await asyncio.to_thread(lambda: path.write_bytes((tmp_path / "good.json").read_bytes()))
    assert await asking == record


async def test_a_file_that_is_not_there_is_no_keys_and_one_that_goes_is_a_fault(tmp_path: Path) -> None:
    clock = Time()
    path = tmp_path / "keys.json"
    home = FiledKeys(path, clock.now)
    record = made()[1]
    assert await home.find(record.id) is None
    await FiledKeys(path).put(record, None)
    clock.at += 1
    assert await home.find(record.id) == record
    path.unlink()
    clock.at += 1
    with pytest.raises(KeysUnreadable, match="not there any more"):
        await home.find(record.id)


BROKEN: dict[str, tuple[bytes, str]] = {
    "half written": (b'{"keys": [', "truncated"),
    "another form": (b"[]", "Expected `object`"),
    "a field nobody knows": (b'{"keys": [], "version": 2}', "unknown field"),
    "a hash that is none": (
        b'{"keys": [{"id": "a", "to": [], "created": 1, "secrets": [{"sha256": "\xc3\xa9"}]}]}',
        "matching regex",
    ),
    "too long": (b'{"keys": []}' + b" " * MAX_BYTES, "longer"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_is_a_fault_and_known_keys_stay(name: str, tmp_path: Path) -> None:
    content, told = BROKEN[name]
    clock = Time()
    path = tmp_path / "keys.json"
    key, record = made()
    await FiledKeys(path).put(record, None)
    home = FiledKeys(path, clock.now)
    keys = ApiKeys(home, now=clock.now, wall=clock.wall)
    await keys.check(key)
    path.write_bytes(content)
    clock.at = 60
    with pytest.raises(KeysUnreadable, match=told):
        await home.find(record.id)
    assert (await keys.check(key)).id == record.id
    await keys.close()


async def test_a_file_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    record = made()[1]
    await FiledKeys(path).put(record, None)
    path.chmod(0o664)
    with pytest.raises(KeysUnreadable, match="chmod 600"):
        await FiledKeys(path).find(record.id)
    path.chmod(0o644)  # as Kubernetes mounts them
    assert await FiledKeys(path).find(record.id) == record


async def test_an_id_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    one = json.loads(msgspec.json.encode(made()[1]))
    path.write_text(json.dumps({"keys": [one, one]}))
    with pytest.raises(KeysUnreadable, match="twice"):
        await FiledKeys(path).find("a")


async def test_s036_a_revocation_in_the_file_is_seen_within_the_ttl(tmp_path: Path) -> None:
    clock = Time()
    path = tmp_path / "keys.json"
    key, record = made()
    office = FiledKeys(path)
    await office.put(record, None)
    keys = ApiKeys(FiledKeys(path, clock.now), now=clock.now, wall=clock.wall)
    await keys.check(key)
    await office.put(msgspec.structs.replace(record, revoked=NOW), record)
    clock.at = 10
    with pytest.raises(Exception, match="revoked"):
        await keys.check(key)
    await keys.close()


async def test_a_store_that_is_down_or_holds_what_is_no_record_is_a_fault() -> None:
    async with redis_server() as server:
        store = state_of(StateSettings(url=server.url, timeout=2.0))
        await store.start()
        home = StoredKeys(store)
        record = made()[1]
        await home.put(record, None)
        await store.set(_at(record.id), b"\x80\x04K", 60.0)  # S125: never unpickled, never half believed
        with pytest.raises(KeysUnreadable):
            await home.find(record.id)
        server.kill()
        for call in (home.find("a"), home.put(KeyRecord("b", (), (), 1), None)):
            with pytest.raises(KeysUnreadable):
                await call
        with pytest.raises(KeysUnreadable):
            await home.all()
        await store.close()
