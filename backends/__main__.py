"""`python -m backends`: the demo's services until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys

import uvloop

from backends.ports import PORTS
from backends.running import Backends


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends", description="Start the demo's services.")
    parser.add_argument("--only", help=f"some of: {','.join(PORTS)}", type=names, default=())
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--inside", help="where the gateway's public keys are: a user's things are then theirs alone")
    given = parser.parse_args()
    try:
        uvloop.run(serve(given.only, given.host, given.inside))
    except OSError as error:  # most likely a port that is taken
        sys.exit(f"backends: {error}")


def names(text: str) -> tuple[str, ...]:
    """The services of a comma-separated list; argparse tells which one does not exist."""
    chosen = tuple(text.split(","))
    if unknown := [name for name in chosen if name not in PORTS]:
        raise argparse.ArgumentTypeError(f"no service {unknown[0]}; there are {', '.join(PORTS)}")
    return chosen


async def serve(only: tuple[str, ...], host: str, inside: str | None = None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Backends.start(only=only, host=host, inside=inside):
        print("backends ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
