"""Whose turn it is on a worker's core."""

import os

from tests.server.running_server import options, serving


async def test_the_servers_threads_wait_for_the_loops_thread_and_not_the_other_way_round() -> None:
    async with serving(options()) as server:
        await server.get(server.public + "/")  # its threads are there by now
        (worker,) = await server.states()
        policies = {int(thread): os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{worker}/task")}
    assert policies.pop(worker) == os.SCHED_OTHER
    assert list(policies.values()).count(os.SCHED_BATCH) >= 2, policies  # Granian's own, of two listeners
