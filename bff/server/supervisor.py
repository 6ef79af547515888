"""`bff serve`: one small process that owns the port and the signals, and workers that serve.

SIGTERM and SIGINT: /readyz says 503, every worker drains, serves out and exits, then this process does. SIGHUP: new
workers take over from the old ones without a lost request. SIGTERM to one worker: the same for that one.
"""

import asyncio
import importlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bff.errors import Refusal
from bff.server.fleet import Fleet, StartError
from bff.server.options import ServeOptions
from bff.server.orders import REFUSED
from bff.server.sockets import address_of, open_listener, raise_descriptor_limit

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def run(options: ServeOptions, say: Say = to_stderr) -> int:
    """Serve until told to stop; the exit code for the shell.

    0: stopped as asked, every accepted request answered. 1: some worker broke, hung or had to cut requests. 2: refused;
    the faults have been said, one a line. `say` gets every line meant for the operator; "starting N workers on ADDRESSES"
    comes when the admin port answers, "ready on ADDRESSES" when all workers are ready for the first time; the addresses
    are as bound.
    """
    try:
        options.check()
        return asyncio.run(_supervise(options, say))
    except Refusal as refusal:
        for fault in refusal.faults:
            say(fault)
        return REFUSED


async def _supervise(options: ServeOptions, say: Say) -> int:
    began = time.monotonic()
    raise_descriptor_limit()
    with (
        open_listener(options.host, options.port) as public,
        open_listener(options.admin_host, options.admin_port) as admin,
        TemporaryDirectory(prefix="bff-") as home,  # 0700
    ):
        addresses = f"http://{address_of(public)} (admin http://{address_of(admin)})"
        fleet = Fleet(options, public, Path(home), say)
        told = _own_signals(fleet)
        keeping = asyncio.create_task(fleet.keep())
        # Imported here and in a thread: 0.2 s of Granian and httpx, in which the workers already start.
        module = await asyncio.to_thread(importlib.import_module, "bff.server.admin")
        async with module.serving(fleet, options.workers, admin):
            say(f"starting {options.workers} workers on {addresses}")
            announced = asyncio.create_task(_announce(fleet, addresses, began, say))
            code = await _until_told(fleet, keeping, told, say)
            announced.cancel()
        return code


def _own_signals(fleet: Fleet) -> asyncio.Event:
    """The event that is set when this process is told to stop. A second Ctrl-C means: now."""
    told = asyncio.Event()

    def interrupted() -> None:
        if told.is_set():
            fleet.kill()
        told.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGHUP, fleet.renew)
    return told


async def _announce(fleet: Fleet, addresses: str, began: float, say: Say) -> None:
    await fleet.complete.wait()
    pids = ", ".join(str(worker.pid) for worker in fleet.workers)
    say(f"ready on {addresses} after {time.monotonic() - began:.2f} s; workers {pids}")


async def _until_told(fleet: Fleet, keeping: asyncio.Task[None], told: asyncio.Event, say: Say) -> int:
    """Serve until told to stop or until it turns out that nothing can be served, then let every worker go."""
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({keeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    fleet.stop_keeping()
    try:
        await keeping
    except StartError as failed:
        for fault in failed.worker.faults:
            say(fault)
        say(f"not started: worker {failed.worker.pid} {failed.worker.end} before it was ready")
        fleet.kill()
        await fleet.leave()
        return REFUSED if failed.worker.refused else 1
    say("stopping")
    return 0 if await fleet.leave() else 1
