"""An issuer that hangs before its keys were ever had: a screen is refused in time, whatever the fetch may still bring."""

import asyncio

import pytest

from bff.gateway import identify
from tests.gateway.kit import bearer, gateway


async def test_nobody_waits_longer_for_keys_than_a_screen_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify, "KEYS_WAIT", 0.02)
    async with gateway() as kit:
        whole = kit.keys.by_url
        kit.keys.by_url = {}
        hung = asyncio.Event()

        async def hang(url: str) -> bytes:
            await hung.wait()
            return whole[url]

        monkeypatch.setattr(type(kit.keys), "__call__", lambda _, url: hang(url))
        reply = await kit.ask("/shop/v1/home", headers=bearer())
        assert (reply.status, reply.problem) == (503, "backend-unavailable")
        hung.set()  # the fetch has not been given up
        assert (await kit.ask("/shop/v1/home", headers=bearer())).status == 200
