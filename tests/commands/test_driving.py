"""Commands that drive the demo: token, break and heal, against scripted services."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bff.commands import break_, token
from bff.errors import Refusal
from bff.settings import CONFIG_VARIABLE
from bff.testing import StubReply, StubRequest, StubService


class Control:
    """A service that notes what it was told and says yes, or answers `reply`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, object]] = []
        self.reply = StubReply.json({"access_token": "signed"})

    def answer(self, request: StubRequest) -> StubReply:
        self.told.append((request.method, request.path, json.loads(request.body) if request.body else None))
        return self.reply


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
async def service(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StubService]:
    """The service, in settings that the commands read; `plain` is one that has no control."""
    async with StubService(control.answer) as stub:
        settings = tmp_path / "bff.toml"
        settings.write_text(f"""
[issuers.users]
issuer = "https://users.example"
jwks_url = "http://{stub.address}/jwks"
token_url = "http://{stub.address}/token"
[services.reviews]
instances = ["http://127.0.0.1:1"]
control = ["http://{stub.address}"]
[services.plain]
instances = ["http://127.0.0.1:1"]
""")
        monkeypatch.setenv(CONFIG_VARIABLE, str(settings))
        yield stub


@pytest.mark.usefixtures("service")
async def test_a_token_is_asked_for_by_user_and_scopes(control: Control) -> None:
    assert await asyncio.to_thread(token.token_for, "7", ["orders:read"]) == "signed"
    assert await asyncio.to_thread(token.token_for, "7") == "signed"
    assert control.told == [
        ("POST", "/token", {"user_id": "7", "scopes": ["orders:read"]}),
        ("POST", "/token", {"user_id": "7"}),
    ]


async def test_a_token_that_cannot_be_had_is_refused_in_one_sentence(control: Control, service: StubService) -> None:
    control.reply = StubReply.json({"error": "no user 9"}, 404)
    with pytest.raises(Refusal, match=r"status 404.*no user 9"):
        await asyncio.to_thread(token.token_for, "9")
    with pytest.raises(Refusal, match=r"no issuer in bff\.toml has a token_url"):
        await asyncio.to_thread(token.token_for, "7", None, "others")
    await service.stop_listening()
    with pytest.raises(Refusal, match="is the issuer running"):
        await asyncio.to_thread(token.token_for, "7")


@pytest.mark.usefixtures("service")
async def test_a_service_is_broken_in_one_way_and_mended(control: Control) -> None:
    await asyncio.to_thread(break_.break_, "reviews", hang=True)
    await asyncio.to_thread(break_.break_, "reviews", slow=300)
    await asyncio.to_thread(break_.break_, "reviews", fail=503)
    await asyncio.to_thread(break_.break_, "reviews", off=True)
    await asyncio.to_thread(break_.heal, "reviews")
    await asyncio.to_thread(break_.heal)
    assert control.told == [
        ("PUT", "/_control", {"kind": "hang"}),
        ("PUT", "/_control", {"kind": "latency", "ms": 300}),
        ("PUT", "/_control", {"kind": "status", "status": 503}),
        ("PUT", "/_control", {"kind": "off"}),
        ("DELETE", "/_control", None),
        ("DELETE", "/_control", None),
    ], "heal without a name mends all that can be broken, which `plain` cannot"


@pytest.mark.usefixtures("service")
async def test_no_way_two_ways_and_a_service_without_control_are_refused(control: Control) -> None:
    with pytest.raises(Refusal, match="exactly one of --hang"):
        await asyncio.to_thread(break_.break_, "reviews")
    with pytest.raises(Refusal, match="exactly one of --hang"):
        await asyncio.to_thread(break_.break_, "reviews", hang=True, slow=5)
    for name in ("plain", "nowhere"):
        with pytest.raises(Refusal, match=f"'{name}' has no control address in bff.toml; those that have: reviews"):
            await asyncio.to_thread(break_.break_, name, hang=True)
    assert control.told == []


async def test_a_demo_that_does_not_run_is_told(service: StubService) -> None:
    await service.stop_listening()
    with pytest.raises(Refusal, match="is the demo running"):
        await asyncio.to_thread(break_.break_, "reviews", hang=True)


@pytest.mark.usefixtures("service")
async def test_a_control_that_refuses_is_quoted(control: Control) -> None:
    control.reply = StubReply.json({"error": "no such status"}, 422)
    with pytest.raises(Refusal, match=r"status 422.*no such status"):
        await asyncio.to_thread(break_.break_, "reviews", fail=99)
