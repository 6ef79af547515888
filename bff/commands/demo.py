"""`bff demo`: the demo's backends and the gateway over them, and what to paste next."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import httpx
import typer

from bff import settings as settings_module
from bff.commands.console import out
from bff.commands.token import token_for
from bff.errors import Refusal
from bff.identity.internal_token import Inside
from bff.settings import Settings

BACKENDS = "backends"
# Seeding takes up to 20 s once, on a slow machine; then it is under 2 s.
_START = 60.0
_LOOK_EVERY = 0.1
_STOP = 15.0


def demo(
    user: Annotated[str, typer.Option(help="whose token is in the calls that are printed")] = "7",
) -> None:
    """Start the demo's backends and the gateway; Ctrl-C stops both."""
    settings = settings_module.load()
    sys.path.insert(0, str(Path.cwd()))
    if find_spec(BACKENDS) is None:
        raise Refusal([f"there is no {BACKENDS}/ here ({Path.cwd()}); the demo runs in a clone of the repository"])
    began = monotonic()
    started: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` stops what was started
    try:
        out.print("[dim]starting the backends and the gateway (the first time the data is made too: up to 20 s) ...[/]")
        started.append(subprocess.Popen([sys.executable, "-m", BACKENDS, *_inside(settings)], stdout=subprocess.DEVNULL))
        environment = {**os.environ, "BFF_SERVER__DRAIN": "0", "BFF_LOG__ACCESS": os.environ.get("BFF_LOG__ACCESS", "false")}
        started.append(subprocess.Popen([sys.executable, "-m", "bff", "serve"], env=environment))
        _when_ready(settings, started, user)
        out.print(_invitation(settings, user, monotonic() - began), soft_wrap=True, highlight=False)
        started[-1].wait()
    except KeyboardInterrupt:
        out.print("[dim]stopping ...[/]")
    finally:
        _stop(started)


def _inside(settings: Settings) -> list[str]:
    """Where the backends find what they check the gateway's word with: a file here, so that none of them has to wait for it."""
    inside = Inside.of_settings(settings)
    if inside is None or inside.document is None or settings.inside.key_file is None:
        return []
    published = settings.inside.key_file.with_suffix(".json")
    published.write_bytes(inside.document)
    return ["--inside", str(published)]


def _when_ready(settings: Settings, started: list[subprocess.Popen[bytes]], user: str) -> None:
    """Return once gateway and issuer both answer."""
    last = ""
    until = monotonic() + _START
    while monotonic() < until:
        for process in started:
            if process.poll() is not None:
                raise Refusal([f"{process.args!r} ended with {process.returncode}; its words are above"])
        try:
            if httpx.get(f"http://{settings.server.admin}/readyz", trust_env=False).is_success:
                token_for(user)
                return
            last = "the gateway is not ready"
        except (httpx.TransportError, Refusal) as error:
            last = str(error)
        sleep(_LOOK_EVERY)
    raise Refusal([f"not ready after {_START:.0f} s: {last}"])


def _invitation(settings: Settings, user: str, seconds: float) -> str:
    """Lines to paste, unboxed and unwrapped, so that they can be."""
    public, admin = f"http://{settings.server.public}", f"http://{settings.server.admin}"
    query = '{"query":"{ home { viewer { name } lastOrders { restaurantName } } }"}'
    order = (
        '{"restaurantId":"1","items":[{"dishId":"1","quantity":2}],"address":"Turmstraße 117, 10999 Kreuzberg",'
        '"paymentMethod":"13"}'
    )
    return f"""
[bold green]Ready in {seconds:.1f} s.[/] Paste into another terminal, in this folder:

  TOKEN=$(.venv/bin/bff token --user {user})
  curl -s {public}/mobile/v1/home -H "Authorization: Bearer $TOKEN"
  curl -s {public}/web/v1/home -H "Authorization: Bearer $TOKEN"
  curl -s {public}/mobile/v1/restaurants/1
  curl -s {public}/mobile/graphql -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{query}'

Order something:       curl -s {public}/mobile/v1/orders -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: lunch-1' \\
                         -H 'Content-Type: application/json' -d '{order}'
See a screen degrade:  .venv/bin/bff break reviews --hang; call home again; .venv/bin/bff heal
See what happens:      .venv/bin/bff call mobile home --user {user} --scope orders:read
                       .venv/bin/bff top
Docs and GraphiQL:     {admin}/
Stop:                  Ctrl-C
"""


def _stop(started: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(started):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in reversed(started):
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
