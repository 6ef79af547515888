"""API keys against the running product: a guesser learns nothing and is stopped, and no key is told anybody (S034 to S039)."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
import pytest_asyncio

from bff.gateway.guesses import BY_PAIR
from bff.identity.api_key import KeyRecord, Secret, digest_of, new_key
from bff.identity.key_file import FiledKeys
from tests.observe.otlp import Receiver, receiving
from tests.product.world import world
from tests.security.kit import Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/partner/v1/restaurants?q=pizza"
OTHERS = "/api/v1/other-partner"
NOT_FOR_KEYS = "/mobile/v1/search?q=pizza"


@dataclass
class Office:
    """Who makes the keys: `bff keys`, without its words."""

    home: FiledKeys
    guessers: int = 0

    async def new(self, **changes: object) -> tuple[str, KeyRecord]:
        key, key_id = new_key()
        record = KeyRecord(
            id=key_id,
            to=("partner/*",),
            secrets=(Secret(digest_of(key)),),
            created=int(time.time()),
            scopes=("restaurants:read",),
        )
        record = msgspec.structs.replace(record, **changes)
        await self.home.put(record, None)
        return key, record

    def somewhere(self) -> tuple[str, str]:
        """An address that guessed nothing yet."""
        self.guessers += 1
        return ("x-forwarded-for", f"203.0.{self.guessers >> 8 & 255}.{self.guessers & 255}")


@dataclass
class Scene:
    door: Door
    office: Office
    receiver: Receiver

    async def ask(self, key: str, path: str = PATH, *, address: tuple[str, str] | None = None) -> httpx.Response:
        return await self.door.ask("GET", path, headers=[("x-api-key", key), address or self.office.somewhere()])

    async def new(self, **changes: object) -> tuple[str, KeyRecord]:
        """A key that the gateway has seen by now."""
        key, record = await self.office.new(**changes)
        await self.until_not(401, key)
        self.door.product.reset()
        return key, record

    async def until_not(self, status: int, key: str) -> httpx.Response:
        """The first answer with another status; TimeoutError after the thirty seconds in which a change must be seen."""
        async with asyncio.timeout(30):
            while True:
                answer = await self.ask(key)
                if answer.status_code != status:
                    return answer
                await asyncio.sleep(0.2)

    async def takes(self, key: str) -> bool:
        return (await self.ask(key)).status_code == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("keys")
    other = {"path": OTHERS, "service": "restaurants", "to": "/restaurants", "api_keys": True, "owner": "other partner"}
    with receiving() as receiver:
        settings = {
            "BFF_API_KEYS__FILE": str(folder / "keys.json"),
            "BFF_ROUTES__OTHER_PARTNER": json.dumps(other),
            "BFF_SERVER__TRUSTED_PROXIES": '["127.0.0.1/32"]',
            "BFF_TRACES__ENDPOINT": receiver.endpoint,
            "BFF_TRACES__RATIO": "0",  # those alone that a client asks for
            "BFF_TRACES__PER_SECOND": "1000",
        }
        async with world(folder, limits=False, **settings) as product:
            yield Scene(Door(product), Office(FiledKeys(folder / "keys.json")), receiver)


@pytest_asyncio.fixture(loop_scope="module")
async def scene(opened: Scene) -> Scene:
    opened.door.product.reset()
    return opened


def changed(key: str, place: int) -> str:
    return key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]


async def test_a_partner_comes_in_with_its_key(scene: Scene) -> None:
    key, record = await scene.new()
    answer = await scene.ask(key)
    assert answer.status_code == 200
    (line,) = await scene.door.lines(answer.headers["x-request-id"])
    assert line["user"] == f"key:{record.id}"


async def test_s034_s035_a_wrong_secret_and_an_unknown_id_are_one_401(scene: Scene) -> None:
    key, _ = await scene.new()
    assert await scene.takes(key)
    scene.door.product.reset()
    for wrong in (changed(key, len(key) - 1), changed(key, 17), new_key()[0]):
        answer = await scene.ask(wrong)
        line = await scene.door.refused(answer, 401, "unauthenticated")
        assert line["refused"] == "wrong key"
        assert answer.json()["detail"] == "the credential is not valid"
        assert answer.headers["www-authenticate"] == 'ApiKey realm="bff"'


async def test_s034_s035_what_a_guess_takes_tells_nothing(scene: Scene) -> None:
    """Over the wire and in turns: the medians differ by less than the answers of one kind do among themselves."""
    key, _ = await scene.new()
    stranger = new_key()[0]
    took: dict[str, list[float]] = {"first letter": [], "last letter": [], "no such id": []}
    for turn in range(100):
        for name, wrong in (
            ("first letter", changed(key, 17)),
            ("last letter", changed(key, len(key) - 1)),
            ("no such id", stranger),
        ):
            before = time.perf_counter()
            answer = await scene.ask(wrong)
            if turn:  # the first look-up of each goes to the disk
                took[name].append(time.perf_counter() - before)
            assert answer.status_code == 401
    middle = [statistics.median(values) for values in took.values()]
    noise = max(statistics.quantiles(values, n=4)[2] - statistics.quantiles(values, n=4)[0] for values in took.values())
    assert max(middle) - min(middle) < noise


@pytest.mark.parametrize("name", ["nonsense", "", "thk_", "key with spaces", "thk_abcdefghijkl." + "A" * 42, "A" * 5000])
async def test_s034_what_is_no_key_at_all_is_the_same_401(scene: Scene, name: str) -> None:
    line = await scene.door.refused(await scene.ask(name), 401, "unauthenticated")
    assert line["refused"] == "malformed"


async def test_s036_a_revoked_key_and_one_that_ended_are_refused_within_thirty_seconds(scene: Scene) -> None:
    key, record = await scene.new()
    ended, _ = await scene.office.new(expires=int(time.time()) - 1)
    assert await scene.takes(key)
    assert not await scene.takes(ended)
    await scene.office.home.put(msgspec.structs.replace(record, revoked=int(time.time())), record)
    answer = await scene.until_not(200, key)
    scene.door.product.reset()
    line = await scene.door.refused(answer, 401, "unauthenticated")
    assert line["refused"] == "revoked"


async def test_s037_a_key_of_one_partner_opens_nothing_of_another(scene: Scene) -> None:
    key, _ = await scene.new()
    line = await scene.door.refused(await scene.ask(key, OTHERS), 403, "forbidden")
    assert line["refused"] == "key of another app"
    theirs, _ = await scene.new(to=("routes/other_partner",))
    line = await scene.door.refused(await scene.ask(theirs), 403, "forbidden")


async def test_s037_a_key_opens_no_app_that_takes_none(scene: Scene) -> None:
    key, _ = await scene.new(to=("*",))
    line = await scene.door.refused(await scene.ask(key, NOT_FOR_KEYS), 401, "unauthenticated")
    assert line["refused"] == "not taken"
    token = scene.door.product.token
    answer = await scene.door.ask("GET", PATH, token=token, headers=[scene.office.somewhere()])
    line = await scene.door.refused(answer, 401, "unauthenticated")
    assert line["refused"] == "not taken"


async def test_a_key_and_a_token_at_once_are_refused(scene: Scene) -> None:
    key, _ = await scene.new()
    headers = [("x-api-key", key), scene.office.somewhere()]
    answer = await scene.door.ask("GET", PATH, headers=headers, token=scene.door.product.token)
    line = await scene.door.refused(answer, 401, "unauthenticated")
    assert line["refused"] == "credentials"


async def test_s038_a_thousand_guesses_are_429_and_the_guesser_is_locked_out(scene: Scene) -> None:
    key, _ = await scene.new()
    here = scene.office.somewhere()
    answers = [await scene.ask(changed(key, 17 + number % 43), address=here) for number in range(1000)]
    assert [answer.status_code for answer in answers] == [401] * BY_PAIR + [429] * (1000 - BY_PAIR)
    locked = await scene.ask(key, address=here)
    await scene.door.refused(locked, 429, "quota-exceeded")
    assert int(locked.headers["retry-after"]) >= 1
    assert '"credentials";r=0;t=' in locked.headers["ratelimit"]
    assert await scene.takes(key)  # its owner, from elsewhere


async def test_s039_a_key_is_in_no_line_no_trace_no_answer_and_no_figure(scene: Scene) -> None:
    product = scene.door.product
    key, record = await scene.new()
    said: list[str] = []
    traces = []
    paths = (PATH, OTHERS, NOT_FOR_KEYS, "/partner/v1/nope", f"/partner/v1/restaurants?q={key}")
    for number, path in enumerate(paths):
        trace = f"{number + 0xABC0:032x}"
        traces.append(trace)
        headers = [("x-api-key", key), scene.office.somewhere(), ("traceparent", f"00-{trace}-{number + 1:016x}-01")]
        answer = await scene.door.ask("GET", path, headers=headers)
        said += [answer.text, str(answer.headers)]
        await scene.door.lines(answer.headers["x-request-id"])
    for page in ("/metrics", "/stats"):
        said.append((await product.http.get(product.admin + page)).text)
    said += product.lines
    said += [str(span) for trace in traces for span in await asyncio.to_thread(scene.receiver.spans, trace)]
    said += [str(record.headers) for name in ("restaurants", "users") for record in product.backends.stub(name).seen]
    secret = key.partition(".")[2]
    assert any(record.id in text for text in said)  # the id is what a line tells
    assert [text for text in said if secret in text or digest_of(key) in text] == []
