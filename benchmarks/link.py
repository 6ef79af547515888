"""`python -m benchmarks.link`: a screen's parts fetched one after another, against the screen in one call, far away.

Run it against the demo. The link is a proxy with 100 ms each way; connections are open before the clock starts.

    python -m benchmarks.link --token "$(bff token --user 7)"
    python -m benchmarks.link --part http://127.0.0.1:9101/users/7 --part http://127.0.0.1:9102/restaurants ...

Without --part the parts are the screen's own sections, asked by `?sections=`.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import aiohttp

from benchmarks.delay_proxy import delayed
from benchmarks.link_plot import draw
from benchmarks.places import ROOT

ONE_WAY = 0.1  # seconds; 200 ms of round trip is a phone on a poor mobile link
SCREEN_WITHIN = 0.260  # the round trip, and what is left of it for the screen itself
PARTS_FROM = 1.0  # five parts of one round trip each


@dataclass(frozen=True)
class Link:
    """What was measured, in seconds: for each part its median, and the medians of both ways as wholes."""

    parts: dict[str, float]
    all_parts: float
    screen: float


async def measure(
    screen: str, parts: Mapping[str, str], *, headers: Mapping[str, str], rounds: int, one_way: float = ONE_WAY
) -> Link:
    """Fetch `parts` (name -> URL) in turn, then `screen` (a URL), `rounds` times over connections that are kept."""
    async with AsyncExitStack() as stack:
        far: dict[str, str] = {}
        for url in (screen, *parts.values()):
            near = urlsplit(url)
            if near.netloc not in far:
                port = await stack.enter_async_context(delayed(near.hostname or "", near.port or 80, one_way))
                far[near.netloc] = f"127.0.0.1:{port}"
        connector = aiohttp.TCPConnector(limit_per_host=1, keepalive_timeout=60)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, headers=headers))

        async def fetch(url: str) -> float:
            started = time.monotonic()
            async with session.get(url.replace(urlsplit(url).netloc, far[urlsplit(url).netloc], 1)) as answer:
                body = await answer.read()
            if answer.status != 200:
                raise SystemExit(f"{url} answered {answer.status}: {body[:300].decode(errors='replace')}")
            return time.monotonic() - started

        for url in (*parts.values(), screen):  # opens the connections and warms what is cold; not counted
            await fetch(url)
        each: dict[str, list[float]] = {name: [] for name in parts}
        wholes, screens = [], []
        for _ in range(rounds):
            started = time.monotonic()
            for name, url in parts.items():
                each[name].append(await fetch(url))
            wholes.append(time.monotonic() - started)
            screens.append(await fetch(screen))
    return Link({name: median(took) for name, took in each.items()}, median(wholes), median(screens))


async def sections_of(screen: str, headers: Mapping[str, str]) -> list[str]:
    """The names of a screen's sections, asked of the screen itself."""
    async with aiohttp.ClientSession(headers=headers) as session, session.get(screen) as answer:
        if answer.status != 200:
            raise SystemExit(f"{screen} answered {answer.status}: {(await answer.text())[:300]}")
        return list(json.loads(await answer.read())["data"])


async def _run(chosen: argparse.Namespace) -> Link:
    headers = {"Authorization": f"Bearer {chosen.token}"} if chosen.token else {}
    screen = chosen.base.rstrip("/") + chosen.path
    if chosen.part:
        parts = {urlsplit(url).path: url for url in chosen.part}
    else:
        names: Sequence[str] = chosen.sections.split(",") if chosen.sections else await sections_of(screen, headers)
        parts = {name: f"{screen}{'&' if '?' in screen else '?'}sections={name}" for name in names}
    return await measure(screen, parts, headers=headers, rounds=chosen.rounds)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.link", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="where the gateway is (%(default)s)")
    parser.add_argument("--path", default="/mobile/v1/home", help="the screen (%(default)s)")
    parser.add_argument("--token", help="bearer token of the caller; none = a guest")
    parser.add_argument("--sections", help="the parts by name, joined by commas (default: all the screen has)")
    parser.add_argument("--part", action="append", help="a part by its whole URL instead, for instance at its backend")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "link.png", help="where to draw it (%(default)s)")
    parser.add_argument("--check", action="store_true", help="exit 1 unless the promised times hold")
    chosen = parser.parse_args()
    link = asyncio.run(_run(chosen))
    for name, took in link.parts.items():
        print(f"  {name:28} {took * 1000:7.0f} ms")
    print(f"{len(link.parts)} parts, one after another   {link.all_parts * 1000:7.0f} ms")
    print(f"the screen in one call         {link.screen * 1000:7.0f} ms  ({link.all_parts / link.screen:.1f} times less)")
    draw(link.parts, link.screen, 2 * ONE_WAY, chosen.picture)
    print(f"drawn: {chosen.picture}")
    holds = link.all_parts >= PARTS_FROM and link.screen <= SCREEN_WITHIN
    if chosen.check and not holds:
        print(f"does not hold: parts >= {PARTS_FROM * 1000:.0f} ms and screen <= {SCREEN_WITHIN * 1000:.0f} ms")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
