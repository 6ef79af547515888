"""The life of `bff serve`: it starts, refuses, mends itself, renews itself and stops."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.server.running_server import PATIENCE, connected, options, serving


def all_ready(count: int, *, without: int = 0) -> Callable[[dict[int, str]], bool]:
    return lambda states: without not in states and list(states.values()) == ["ready"] * count


async def test_it_serves_and_stops_with_code_0() -> None:
    async with serving(options()) as server:
        answer = await server.get(server.public + "/hello")
        assert answer.status_code == 200
        assert answer.text.endswith(" /hello")
        server.signal(signal.SIGTERM)
        assert await server.ended() == 0


async def test_ctrl_c_stops_it_as_sigterm_does() -> None:
    async with serving(options()) as server:
        server.signal(signal.SIGINT)
        assert await server.ended() == 0


async def test_workers_share_one_port_and_both_answer() -> None:
    async with serving(options(workers=2)) as server:
        answers = await asyncio.gather(*(server.get(server.public + "/slow/0.05") for _ in range(40)))
        assert len({answer.text.split()[0] for answer in answers}) == 2


async def test_a_refusing_factory_is_shown_plainly_and_exits_with_2() -> None:
    async with serving(options("refuse", workers=2), started=False) as server:
        assert await server.ended() == 2
    assert server.faults[:2] == [
        "composers/home.py: section `picks` needs a fallback",
        "clients/users.py: no base address",
    ]
    assert len(server.faults) == 3
    assert "Traceback" not in "".join(server.lines)


async def test_a_bug_in_the_factory_shows_its_traceback_and_exits_with_1() -> None:
    async with serving(options("break_"), started=False) as server:
        assert await server.ended() == 1
    assert "ValueError: a bug in the factory" in server.lines
    assert "not started" in server.lines[-1]


@pytest.mark.parametrize(
    ("factory", "told"), [("nowhere:make", "no module nowhere"), ("tests.server.app:nothing", "no callable nothing")]
)
async def test_a_factory_that_is_not_there_is_refused(factory: str, told: str) -> None:
    async with serving(options(factory), started=False) as server:
        assert await server.ended() == 2
    assert told in server.faults[0]


async def test_apps_reach_a_factory_that_asks_for_them() -> None:
    async with serving(options("make_for", apps=("mobile",))) as server:
        assert (await server.get(server.public + "/")).status_code == 200
    async with serving(options("make_for", apps=("tv",)), started=False) as server:
        assert await server.ended() == 2
    assert server.faults[0] == "there is no app tv"
    async with serving(options("make", apps=("tv",)), started=False) as server:
        assert await server.ended() == 2
    assert "no parameter `apps`" in server.faults[0]


async def test_a_port_in_use_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with serving(options(port=port), started=False) as server:
            assert await server.ended() == 2
    assert "cannot listen on" in server.lines[0]


async def test_a_worker_that_is_never_ready_is_given_up() -> None:
    async with serving(options("make_hanging", start_timeout=1.0), started=False) as server:
        assert await server.ended() == 1
    assert "was not ready within 1 s" in server.faults[0]


async def test_impossible_options_are_refused_all_at_once() -> None:
    async with serving(options(workers=0, grace=-1.0), started=False) as server:
        assert await server.ended() == 2
    assert [line.split(":")[0] for line in server.lines] == ["workers=0", "grace=-1.0"]


async def test_a_crashed_worker_is_replaced_at_once() -> None:
    async with serving(options(workers=2)) as server:
        victim = next(iter(await server.states()))
        os.kill(victim, signal.SIGKILL)
        await server.said(f"worker {victim} was ended by SIGKILL; another starts in 0.0 s")
        assert (await server.get(server.public + "/")).status_code == 200
        await server.until(all_ready(2, without=victim))


async def test_clients_wait_while_the_only_worker_is_replaced() -> None:
    async with serving(options()) as server:
        (victim,) = await server.states()
        os.kill(victim, signal.SIGKILL)
        answer = await server.get(server.public + "/hello")
        assert answer.status_code == 200
        assert not answer.text.startswith(f"{victim} ")


async def test_a_worker_told_to_stop_is_replaced_before_it_has_gone() -> None:
    async with serving(options(grace=PATIENCE)) as server:
        (old,) = await server.states()
        async with connected(server) as (_, writer):
            writer.write(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")  # keeps the old one until we hang up
            await server.stats_in_flight()
            os.kill(old, signal.SIGTERM)
            states = await server.until(lambda states: "ready" in states.values() and states[old] != "ready")
            assert states[old] == "draining"
        await server.until(all_ready(1, without=old))


async def test_sighup_renews_every_worker_and_stays_ready() -> None:
    async with serving(options(workers=2, drain=0.2)) as server:
        before = set(await server.states())
        server.signal(signal.SIGHUP)
        seen: list[httpx.Response] = []
        async with asyncio.timeout(PATIENCE):
            while before & set(await server.states()):
                seen.append(await server.get(server.admin + "/readyz"))
        # On a starved test machine a worker may miss its probe; that is another 503 than the one looked for here.
        assert [answer.text for answer in seen if answer.status_code != 200 and "not answering" not in answer.text] == []
        assert 200 in {answer.status_code for answer in seen}
        after = await server.until(all_ready(2))
        assert not before & set(after)


async def test_a_reload_that_is_refused_leaves_the_old_workers(tmp_path: Path) -> None:
    flag = tmp_path / "refuse"
    async with serving(options("make_unless_told", workers=2), {"TINY_REFUSE": str(flag)}) as server:
        before = await server.states()
        flag.touch()
        server.signal(signal.SIGHUP)
        await server.said("reload given up, the old workers stay")
        assert "bff.toml: timeout is negative" in server.lines
        assert await server.states() == before
        flag.unlink()
        server.signal(signal.SIGHUP)
        await server.until(lambda states: not set(before) & set(states) and len(states) == 2)


async def test_running_requests_are_answered_after_the_listener_has_stopped() -> None:
    async with serving(options()) as server:
        running = asyncio.create_task(server.get(server.public + "/slow/1"))
        await server.stats_in_flight()
        server.signal(signal.SIGTERM)
        assert (await running).status_code == 200
        assert await server.ended() == 0


async def test_requests_that_outlast_the_grace_are_cut_and_the_code_is_1() -> None:
    async with serving(options(grace=0.3)) as server:
        running = asyncio.create_task(server.get(server.public + "/slow/30"))
        await server.stats_in_flight()
        server.signal(signal.SIGTERM)
        assert await server.ended() == 1
        answer = await running
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")


async def test_what_goes_on_without_its_client_has_the_grace_too(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with serving(options(), {"TINY_NOTES": str(notes)}) as server:
        assert (await server.get(server.public + "/later/2")).status_code == 200
        server.signal(signal.SIGTERM)
        assert await server.ended() == 0
    assert notes.read_text() == "written\nshutdown\n"


async def test_what_outlasts_the_grace_without_its_client_is_told_by_the_code(tmp_path: Path) -> None:
    async with serving(options(grace=0.3), {"TINY_NOTES": str(tmp_path / "notes")}) as server:
        assert (await server.get(server.public + "/later/30")).status_code == 200
        server.signal(signal.SIGTERM)
        assert await server.ended() == 1


async def test_workers_leave_when_the_supervisor_is_killed() -> None:
    async with serving(options(workers=2)) as server:
        workers = [psutil.Process(pid) for pid in await server.states()]
        server.signal(signal.SIGKILL)
        gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, PATIENCE)
        assert len(gone) == 2
        assert not alive
