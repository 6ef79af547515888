"""The admin port: what the supervisor answers itself, and what it passes on to a worker."""

import asyncio
import os
import signal
import stat
from pathlib import Path

import httpx

from tests.server.running_server import options, serving


async def test_it_is_live_and_ready_once_it_says_so() -> None:
    async with serving(options(workers=2)) as server:
        assert (await server.get(server.admin + "/livez")).json() == {"state": "live"}
        answer = await server.get(server.admin + "/readyz")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert (told["state"], told["wanted"]) == ("ready", 2)
        assert [worker["state"] for worker in told["workers"]] == ["ready", "ready"]


async def test_it_is_not_ready_while_the_only_worker_starts() -> None:
    async with serving(options("make_hanging"), started=False) as server:
        await server.listening()
        answer = await server.get(server.admin + "/readyz")
        assert (answer.status_code, answer.json()["state"]) == (503, "not ready")
        assert (await server.get(server.admin + "/docs")).status_code == 503
        server.signal(signal.SIGTERM)  # it stops as asked also before anything is ready
        assert await server.ended() == 0


async def test_it_is_not_ready_while_a_worker_does_not_answer() -> None:
    async with serving(options(workers=2)) as server:
        stuck, other = await server.states()
        os.kill(stuck, signal.SIGSTOP)
        try:
            answer = await server.get(server.admin + "/readyz")
            assert answer.status_code == 503
            assert {worker["pid"]: worker["state"] for worker in answer.json()["workers"]} == {
                stuck: "not answering",
                other: "ready",
            }
            assert (await server.get(server.admin + "/livez")).status_code == 200
        finally:
            os.kill(stuck, signal.SIGCONT)


async def test_stats_name_every_worker_and_add_up() -> None:
    async with serving(options(workers=2)) as server:
        slow = asyncio.create_task(server.get(server.public + "/slow/1"))
        told = await server.stats_in_flight()
        await slow
        assert {worker["pid"] for worker in told["workers"]} == set(await server.states())
        for worker in told["workers"]:
            assert worker["state"] == "ready"
            assert worker["tasks"] > 0
            assert worker["fds"] > 0
            assert worker["rss"] > 1_000_000
            assert worker["draining"] is False  # the product's own figure
        for name in ("tasks", "fds", "rss", "in_flight"):
            assert told["totals"][name] == sum(worker[name] for worker in told["workers"])
        assert told["supervisor"]["pid"] == server.process.pid


async def test_everything_else_is_the_workers_admin_app() -> None:
    async with serving(options()) as server, httpx.AsyncClient(base_url=server.admin, trust_env=False) as client:
        assert (await client.get("/docs%20x/a?b=1&c=%2F")).text == "GET /docs%20x/a b=1&c=%2F "
        assert (await client.post("/graphql", content=b'{"query":"{a}"}')).text == 'POST /graphql  {"query":"{a}"}'
        assert (await client.get("/missing")).status_code == 404
        assert (await client.post("/livez")).text.startswith("POST /livez")
        assert (await client.post("/big", content=b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_a_product_without_metrics_has_no_page_of_them() -> None:
    async with serving(options()) as server:
        assert (await server.get(server.admin + "/metrics")).status_code == 404


async def test_the_public_port_has_no_admin_paths() -> None:
    async with serving(options()) as server:
        assert (await server.get(server.public + "/stats")).text.endswith(" /stats")


async def test_only_this_user_reaches_a_worker_s_socket(tmp_path: Path) -> None:
    async with serving(options(), {"TMPDIR": str(tmp_path)}):
        (home,) = os.listdir(tmp_path)
        (private,) = os.listdir(tmp_path / home)
        assert stat.S_IMODE(os.stat(tmp_path / home).st_mode) == 0o700
        mode = os.stat(tmp_path / home / private).st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert os.listdir(tmp_path) == []


async def test_a_name_that_a_page_could_have_pointed_here_is_told_nothing() -> None:
    async with serving(options()) as server:
        for path in ("/stats", "/readyz", "/"):
            answer = await server.get(server.admin + path, host="evil.example:8001")
            assert answer.status_code == 421
