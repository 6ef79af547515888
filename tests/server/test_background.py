"""Whose turn it is on a worker's core."""

import asyncio
import os

from bff.server.background import in_background
from tests.server.running_server import options, serving


async def test_the_servers_threads_wait_for_the_loops_thread_and_not_the_other_way_round() -> None:
    async with serving(options()) as server:
        await server.get(server.public + "/")  # its threads are there by now
        (worker,) = await server.states()
        policies = {int(thread): os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{worker}/task")}
    assert policies.pop(worker) == os.SCHED_OTHER
    assert list(policies.values()).count(os.SCHED_BATCH) >= 2, policies  # Granian's own, of two listeners


async def test_a_policy_that_somebody_chose_is_kept() -> None:
    seen = []

    async def spawn() -> None:
        seen.append(os.sched_getscheduler(0))
        await asyncio.sleep(0)  # what was called soon has been called
        seen.append(os.sched_getscheduler(0))

    def chosen() -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        asyncio.run(in_background(spawn)())

    await asyncio.to_thread(chosen)
    assert seen == [os.SCHED_IDLE, os.SCHED_IDLE]
