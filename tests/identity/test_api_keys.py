"""API keys: what is one, what opens with it, how soon its end is seen, and what a guesser can learn (S034 to S036)."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest

from bff.errors import BackendUnreachable
from bff.identity.api_key import MOST_SECRETS, KeyRecord, Secret, digest_of, id_of, is_endpoints, judge, new_key
from bff.identity.api_keys import MAX_KNOWN, MAX_UNKNOWN, STALE, TTL, ApiKeys
from bff.identity.key_home import KeysUnreadable
from bff.identity.unauthenticated import Unauthenticated
from tests.identity.tokens import NOW, Time


class Home:
    """Records from memory that counts; `down` and `held` are its faults."""

    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.id: record for record in records}
        self.asked: list[str] = []
        self.down = False
        self.held: asyncio.Event | None = None

    async def find(self, key_id: str) -> KeyRecord | None:
        self.asked.append(key_id)
        if self.held is not None:
            await self.held.wait()
        if self.down:
            raise KeysUnreadable("down")
        return self.records.get(key_id)

    async def all(self) -> list[KeyRecord]:
        return list(self.records.values())

    async def put(self, record: KeyRecord, instead_of: KeyRecord | None) -> None:
        self.records[record.id] = record


def made(**changes: object) -> tuple[str, KeyRecord]:
    """A key and its record."""
    key, key_id = new_key()
    record = KeyRecord(id=key_id, to=("partner/*",), secrets=(Secret(digest_of(key)),), created=NOW, scopes=("orders:read",))
    return key, msgspec.structs.replace(record, **changes)


def over(home: Home, clock: Time) -> ApiKeys:
    return ApiKeys(home, now=clock.now, wall=clock.wall)


async def reason(keys: ApiKeys, text: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await keys.check(text)
    return refused.value.reason


def last_changed(text: str) -> str:
    return text[:-1] + ("A" if text[-1] != "A" else "B")


async def test_a_key_gives_its_record_and_its_text_stands_nowhere_in_it() -> None:
    key, record = made()
    assert await over(Home(record), Time()).check(key) == record
    assert key not in repr(record)
    assert key.partition(".")[2] not in repr(record) + msgspec.json.encode(record).decode()


def test_no_two_keys_are_alike_and_each_has_256_random_bits() -> None:
    keys = {new_key()[0] for _ in range(1000)}
    assert len(keys) == 1000
    for key in keys:
        assert len(id_of(key)) == 12
        assert len(key.partition(".")[2]) == 43  # of 6 bits


@pytest.mark.parametrize(
    "change",
    [
        lambda key: last_changed(key),
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key.replace("thk_", "thk-"),
        lambda key: key.upper(),
        lambda key: " " + key,
        lambda key: key + "\n",
        lambda key: key.replace(".", ""),
        lambda key: key.partition(".")[0] + ".",
        lambda key: key.replace("thk_", "thk_é"),
        lambda _: "",
    ],
)
async def test_s034_what_differs_by_one_letter_is_another_key(change: Callable[[str], str]) -> None:
    key, record = made()
    assert await reason(over(Home(record), Time()), change(key)) in ("malformed", "wrong key")


async def test_s035_an_unknown_id_is_refused_in_the_same_words() -> None:
    key, record = made()
    keys = over(Home(record), Time())
    assert await reason(keys, made()[0]) == await reason(keys, last_changed(key)) == "wrong key"


def test_s034_s035_what_it_takes_to_refuse_tells_nothing() -> None:
    """First letter wrong, last letter wrong, no such id: the medians of 100,000 differ by less than they do from themselves."""
    key, record = made()
    first_wrong = f"thk_{record.id}." + ("A" if key[17] != "A" else "B") + key[18:]
    cases = {"first": (first_wrong, record), "last": (last_changed(key), record), "nobody": (key, None)}

    def median(text: str, found: KeyRecord | None) -> float:
        took = []
        for _ in range(1_000):
            before = time.perf_counter_ns()
            try:
                judge(text, found, NOW)
            except Unauthenticated:
                took.append(time.perf_counter_ns() - before)
        return statistics.median(took)

    medians: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(100):  # in turns, so that what else the machine does falls on all of them
        for name, (text, found) in cases.items():
            medians[name].append(median(text, found))
    middle = {name: statistics.median(values) for name, values in medians.items()}
    noise = max(statistics.quantiles(values, n=4)[2] - statistics.quantiles(values, n=4)[0] for values in medians.values())
    assert max(middle.values()) - min(middle.values()) < max(noise, 250), (middle, noise)  # nanoseconds


async def test_a_key_that_ended_is_refused_and_only_its_owner_learns_why() -> None:
    clock = Time()
    expired, old = made(expires=NOW + 100)
    revoked, gone = made(revoked=NOW - 1)
    keys = over(Home(old, gone), clock)
    assert (await keys.check(expired)).id == old.id
    clock.at = 100
    assert await reason(keys, expired) == "expired"
    assert await reason(keys, revoked) == "revoked"
    assert await reason(keys, last_changed(expired)) == await reason(keys, last_changed(revoked)) == "wrong key"


async def test_two_secrets_are_good_while_a_key_is_rotated_and_a_third_never_is() -> None:
    clock = Time()
    old, record = made()
    new, _ = new_key(record.id)
    third, _ = new_key(record.id)
    secrets = (Secret(digest_of(new)), Secret(digest_of(old), until=NOW + 60), Secret(digest_of(third)))
    keys = over(Home(msgspec.structs.replace(record, secrets=secrets)), clock)
    assert (await keys.check(old)).id == (await keys.check(new)).id == record.id
    assert await reason(keys, third) == "wrong key"
    assert MOST_SECRETS == 2
    clock.at = 60
    assert await reason(keys, old) == "expired", "whoever still has it guesses nothing"
    assert (await keys.check(new)).id == record.id


@pytest.mark.parametrize("every", [0.1, 1.0, 4.0, 9.9, 300.0])
async def test_s036_a_revoked_key_is_refused_within_the_ttl_however_often_it_is_used(every: float) -> None:
    clock = Time()
    key, record = made()
    home = Home(record)
    keys = over(home, clock)
    await keys.check(key)
    home.records[record.id] = msgspec.structs.replace(record, revoked=NOW)
    good = 0.0
    while clock.at <= 2 * TTL:
        clock.at += every
        with suppress(Unauthenticated):
            await keys.check(key)
            good = clock.at
        await asyncio.sleep(0)  # what runs behind
    assert good <= TTL <= 30
    assert await reason(keys, key) == "revoked"
    await keys.close()


async def test_a_key_in_use_is_looked_up_behind_its_requests() -> None:
    clock = Time()
    key, record = made()
    home = Home(record)
    keys = over(home, clock)
    await keys.check(key)
    home.held = asyncio.Event()
    clock.at = TTL / 2
    for _ in range(100):
        assert (await keys.check(key)).id == record.id
    assert len(home.asked) == 1  # the second has not had its turn yet
    await asyncio.sleep(0)
    assert len(home.asked) == 2
    home.held.set()
    await keys.close()


async def test_a_thousand_who_wait_for_one_key_look_it_up_once_and_one_who_leaves_disturbs_nobody() -> None:
    key, record = made()
    home = Home(record)
    home.held = asyncio.Event()
    keys = over(home, Time())
    waiting = [asyncio.create_task(keys.check(key)) for _ in range(1000)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    home.held.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert ended[1:] == [record] * 999
    assert home.asked == [record.id]


async def test_while_the_home_is_down_known_keys_are_good_and_others_are_nobodys_fault() -> None:
    clock = Time()
    key, record = made()
    home = Home(record)
    keys = over(home, clock)
    await keys.check(key)
    stranger = made()[0]
    assert await reason(keys, stranger) == "wrong key"
    home.down = True
    for _ in range(20):
        clock.at += TTL
        assert (await keys.check(key)).id == record.id
        with pytest.raises(BackendUnreachable):  # a 503: it may have been made in the meantime
            await keys.check(stranger)
    clock.at += STALE
    with pytest.raises(BackendUnreachable):
        await keys.check(key)
    home.down = False
    clock.at += 1
    assert (await keys.check(key)).id == record.id


async def test_a_home_that_is_down_is_asked_once_a_second() -> None:
    clock = Time()
    home = Home()
    home.down = True
    keys = over(home, clock)
    for number in range(50):
        clock.at = number / 10
        with pytest.raises(BackendUnreachable):
            await keys.check(made()[0])
    assert len(home.asked) == 5


async def test_what_is_remembered_is_bounded_and_made_up_ids_push_out_no_key() -> None:
    key, record = made()
    home = Home(record)
    keys = over(home, Time())
    await keys.check(key)
    for _ in range(MAX_UNKNOWN + 50):
        await reason(keys, new_key()[0])
    home.asked.clear()
    await keys.check(key)
    assert home.asked == []
    assert len(keys._unknown) == MAX_UNKNOWN
    assert len(keys._known) == 1 <= MAX_KNOWN


@pytest.mark.parametrize(
    ("to", "endpoint", "opens"),
    [
        ("partner/*", "partner/orders", True),
        ("partner/*", "partner2/orders", False),
        ("partner/*", "routes/partner", False),
        ("partner/orders", "partner/orders", True),
        ("partner/orders", "partner/ordersAll", False),
        ("partner/orders", "partner/graphql", False),
        ("*", "any/thing", True),
    ],
)
def test_s037_a_key_opens_what_it_names_and_nothing_that_looks_like_it(to: str, endpoint: str, opens: bool) -> None:
    assert made(to=(to,))[1].opens(endpoint) is opens


@pytest.mark.parametrize(
    "pattern", ["", "partner", "partner/", "/", "*/*", "*/orders", "part*/x", "partner/o*", "a/b/c", "a b/*"]
)
def test_a_pattern_that_could_mean_more_than_it_says_is_none(pattern: str) -> None:
    assert not is_endpoints(pattern)


@pytest.mark.parametrize("pattern", ["*", "partner/*", "routes/orders", "web-2/place_order"])
def test_a_pattern_names_all_an_app_or_one_endpoint(pattern: str) -> None:
    assert is_endpoints(pattern)
