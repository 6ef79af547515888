"""What a store promises, in each of its homes."""

import asyncio

from bff.state.store import Store, key_of


async def test_what_was_set_is_there_until_it_is_deleted(store: Store) -> None:
    assert await store.get("thali:a") is None
    await store.set("thali:a", b"1", 60)
    await store.set("thali:a", b"\x00\xff\r\n", 60)
    assert await store.get("thali:a") == b"\x00\xff\r\n"
    await store.delete("thali:a")
    await store.delete("thali:a")
    assert await store.get("thali:a") is None


async def test_an_empty_value_is_a_value(store: Store) -> None:
    assert await store.add("thali:a", b"", 60)
    assert await store.get("thali:a") == b""
    assert not await store.add("thali:a", b"2", 60)
    assert await store.swap("thali:a", b"", b"2", 60)


async def test_only_the_first_adds(store: Store) -> None:
    assert await store.add("thali:a", b"1", 60)
    assert not await store.add("thali:a", b"2", 60)
    assert await store.get("thali:a") == b"1"


async def test_a_swap_needs_what_is_there(store: Store) -> None:
    assert not await store.swap("thali:a", b"1", b"2", 60)
    assert await store.get("thali:a") is None
    await store.set("thali:a", b"1", 60)
    assert not await store.swap("thali:a", b"0", b"2", 60)
    assert await store.swap("thali:a", b"1", b"2", 60)
    assert await store.get("thali:a") == b"2"


async def test_a_swap_for_nothing_deletes(store: Store) -> None:
    await store.set("thali:a", b"1", 60)
    assert not await store.swap("thali:a", b"2", None, 60)
    assert await store.swap("thali:a", b"1", None, 60)
    assert await store.get("thali:a") is None


async def test_of_a_hundred_at_once_one_adds(store: Store) -> None:
    added = await asyncio.gather(*(store.add("thali:a", str(number).encode(), 60) for number in range(100)))
    assert added.count(True) == 1
    assert await store.get("thali:a") == str(added.index(True)).encode()


async def test_of_a_hundred_at_once_one_swaps(store: Store) -> None:
    await store.set("thali:a", b"free", 60)
    swapped = await asyncio.gather(*(store.swap("thali:a", b"free", str(number).encode(), 60) for number in range(100)))
    assert swapped.count(True) == 1
    assert await store.get("thali:a") == str(swapped.index(True)).encode()


async def test_keys_of_any_slot_and_any_text_do_not_meet(store: Store) -> None:
    keys = [key_of("test", text) for text in ("", "a", "{a}", "ä\r\n", "\ud800", *map(str, range(200)))]
    await asyncio.gather(*(store.set(key, str(place).encode(), 60) for place, key in enumerate(keys)))
    assert await asyncio.gather(*(store.get(key) for key in keys)) == [str(place).encode() for place in range(len(keys))]


async def test_a_large_value_comes_back_whole(store: Store) -> None:
    value = bytes(range(256)) * 4096
    await store.set("thali:a", value, 60)
    assert await store.get("thali:a") == value


def test_parts_of_a_key_cannot_run_into_each_other() -> None:
    assert key_of("k", "a", "bc") != key_of("k", "ab", "c")
    assert key_of("k", "a", "") != key_of("k", "a")
    assert key_of("k", "1:a") != key_of("k", "1", "a")
