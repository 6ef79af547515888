"""Secrets: none goes out with anything that we say, and none that everybody knows gets us started (S149, S150)."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from bff.settings import Settings
from bff.testing.faults import Fault
from tests.observe.otlp import Receiver, receiving
from tests.product.world import PATIENCE, ROOT, world
from tests.security.kit import CANARY, Door

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET: Final = f"{CANARY}-Zr8qLw2Vx9TbN4cYkE5u"  # what every secret below holds
OPAQUE: Final = f"opaque-{SECRET}"
IDP: Final = {
    "url": "http://127.0.0.1:1/introspect",
    "issuer": "https://idp.example",
    "client_id": "thali",
    "client_secret": SECRET,
    "subject_prefix": "idp:",
}
# Redis and the introspection server are down, so that what is said of their failures is scanned as well.
SEEDED: Final = {
    "BFF_STATE__URL": "redis://127.0.0.1:1/0",
    "BFF_STATE__USERNAME": "thali",
    "BFF_STATE__PASSWORD": SECRET,
    "BFF_INTROSPECTION": json.dumps({"idp": IDP}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traced(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Door, Receiver]]:
    folder: Path = tmp_path_factory.mktemp("secrets")
    with receiving() as receiver:
        traces = {"BFF_TRACES__ENDPOINT": receiver.endpoint, "BFF_TRACES__RATIO": "1"}
        async with world(folder, limits=False, **traces, **SEEDED) as product:
            yield Door(product), receiver


async def test_s149_no_secret_is_in_anything_that_the_gateway_says(traced: tuple[Door, Receiver]) -> None:
    """Its log, its metrics, its figures, its traces and its answers, when all goes well and when nothing does."""
    door, receiver = traced
    product = door.product
    said, ids = [], []
    for number, (method, path, headers, body) in enumerate(_with_secrets(product.token)):
        trace = f"{number + 1:032x}"
        ids.append(trace)
        headers = {**headers, "traceparent": f"00-{trace}-{number + 1:016x}-01", "content-type": "application/json"}
        answer = await door.ask(method, path, headers=headers, content=body)
        said += [answer.text, str(answer.headers)]
    for name, fault in (("users", Fault("status", status=500)), ("orders", Fault("reset")), ("users", Fault("malformed"))):
        product.backends.stub(name).fault = fault
        said.append((await product.get("/mobile/v1/account")).text)
        said.append((await product.get("/mobile/v1/home")).text)
    product.reset()
    for page in ("/metrics", "/stats", "/readyz", "/openapi/mobile.json"):
        said.append((await product.http.get(product.admin + page)).text)
    last = await door.ask("GET", "/mobile/v1/account", token=product.token)
    await door.lines(last.headers["x-request-id"])
    said += product.lines
    said += [str(span) for trace in ids for span in await asyncio.to_thread(receiver.spans, trace)]
    found = [text for text in said if CANARY in text or product.token in text or product.token.rpartition(".")[2] in text]
    assert found == []


def _with_secrets(token: str) -> list[tuple[str, str, dict[str, str], str | None]]:
    """Requests that bring a secret at each place where one may come."""
    user = {"authorization": f"Bearer {token}"}
    query = json.dumps({"query": f'{{ search(q: "{SECRET}") {{ results {{ __typename }} }} }}', "variables": {"a": SECRET}})
    return [
        ("GET", "/mobile/v1/account", {"authorization": f"Bearer {OPAQUE}"}, None),
        ("GET", "/mobile/v1/account", {"authorization": f"Bearer {token}{CANARY}"}, None),
        ("GET", "/mobile/v1/account", {"authorization": f"Basic {SECRET}"}, None),
        ("GET", "/mobile/v1/account", {"x-api-key": f"thali_1.{SECRET}"}, None),
        ("GET", "/mobile/v1/account", {"authorization": f"ApiKey thali_1.{SECRET}"}, None),
        ("GET", f"/mobile/v1/account?access_token={SECRET}", user, None),
        ("GET", f"/mobile/v1/nope/{SECRET}", user, None),
        ("GET", f"/mobile/v1/restaurants/{SECRET}", user, None),
        ("GET", "/mobile/v1/account", {**user, "cookie": f"session={SECRET}", "x-csrf": SECRET}, None),
        ("POST", "/api/v1/login", {}, json.dumps({"email": f"{SECRET}@x.example", "password": SECRET})),
        ("POST", "/api/v1/login", {}, f'{{"email": "{SECRET}'),
        ("POST", "/mobile/graphql", user, query.replace("__typename", "nope")),
        ("POST", "/mobile/graphql", user, query),
    ]


@pytest.mark.parametrize("command", [("settings",), ("check",), ("check", "--effective")], ids=" ".join)
async def test_s149_no_command_tells_a_secret(command: tuple[str, ...]) -> None:
    _, out = await bff(*command, **SEEDED)
    assert out
    assert CANARY not in out


async def test_s149_settings_hide_their_secrets_in_every_text_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SEEDED.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    for text in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()), f"{settings.state}"):
        assert CANARY not in text
    assert settings.state.password is not None
    assert settings.state.password.get_secret_value() == SECRET


KNOWN = ["", "changeme", "your-client-secret", "${CLIENT_SECRET}"]
PLACES: Final[dict[str, Callable[[str], dict[str, str]]]] = {
    "of introspection": lambda secret: {"BFF_INTROSPECTION": json.dumps({"idp": {**IDP, "client_secret": secret}})},
    "of an issuer": lambda secret: {
        "BFF_ISSUERS__OWN": json.dumps({"issuer": "https://own.example", "algorithms": ["HS256"], "secret": secret})
    },
    "of Redis": lambda secret: {"BFF_STATE__URL": "redis://127.0.0.1:1/0", "BFF_STATE__PASSWORD": secret},
}


@pytest.mark.parametrize("place", PLACES, ids=[f"S150 {place}" for place in PLACES])
async def test_a_secret_that_everybody_knows_does_not_start(place: str) -> None:
    """Each is refused at once, with the place and the mend, and is not repeated."""

    async def refused(secret: str) -> None:
        code, out = await bff(
            "serve", BFF_SERVER__PUBLIC="127.0.0.1:0", BFF_SERVER__ADMIN="127.0.0.1:0", **PLACES[place](secret)
        )
        assert code > 0, f"{secret!r}: {out}"
        assert "refused" in out or "not started" in out, f"{secret!r}: {out}"
        assert len(secret) < 8 or secret not in out

    for secret in KNOWN:
        await refused(secret)


async def bff(*arguments: str, **environment: str) -> tuple[int, str]:
    """The command's exit code (-1: it ran on, and was ended) and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bff", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines = []
    try:
        async with asyncio.timeout(PATIENCE):
            async for line in process.stdout:
                lines.append(line.decode())
                if "ready on" in lines[-1]:
                    return -1, "".join(lines)
            return await process.wait(), "".join(lines)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
