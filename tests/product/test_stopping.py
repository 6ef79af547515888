"""Two workers of the real product: stopping one under keep-alive load fails no request."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.product.world import PATIENCE, World, world
from tests.server.keepalive_load import keepalive_load

ROUNDS = 10
BUSY, RESTING = 4, 32


async def ready_without(product: World, gone: int | None) -> list[int]:
    """The workers, once two are ready and `gone` is not among them: /stats is all that an operator can look at too."""
    async with asyncio.timeout(PATIENCE):
        while True:
            workers = {worker["pid"]: worker["state"] for worker in (await product.stats())["workers"]}
            if gone not in workers and list(workers.values()) == ["ready", "ready"]:
                return list(workers)
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_stopping_one_of_two_workers_ten_times_under_keep_alive_load_fails_no_request(tmp_path: Path) -> None:
    async with world(tmp_path, BFF_SERVER__WORKERS="2", BFF_SERVER__DRAIN="0.5") as product:
        paths = ("/mobile/v1/guest/home", "/mobile/v1/search?limit=5")
        async with keepalive_load(product.public, BUSY, RESTING, paths) as tally:
            await tally.warm.wait()
            for _ in range(ROUNDS):
                worker = (await ready_without(product, None))[0]
                os.kill(worker, signal.SIGTERM)
                await ready_without(product, worker)
        assert tally.failed == []
        assert tally.answered > 100 * ROUNDS
        assert tally.told_to_close > ROUNDS
