"""`bff dev`: serve, and follow the files: a saved change is live in about a second, a bad one is told and not served."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from watchfiles import Change, watch

from bff import settings as settings_module
from bff.commands.console import out

_FOLLOWED = (".py", ".toml", ".proto")


def dev() -> None:
    """Serve with reload. GraphiQL and the docs are on the admin address; tracebacks appear here."""
    settings = settings_module.load()
    environment = {**os.environ, "BFF_SERVER__DRAIN": "0"}  # a developer at one browser needs no balancer's patience
    serving = subprocess.Popen([sys.executable, "-m", "bff", "serve"], env=environment)
    out.print(f"GraphiQL and docs: [bold]http://{settings.server.admin}/[/]  (Ctrl-C stops)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that `finally` stops what was started
    try:
        for _ in watch(Path.cwd(), watch_filter=_followed, raise_interrupt=False):  # ends at Ctrl-C
            if serving.poll() is not None:
                break
            out.print("[dim]changed: starting anew[/]")
            serving.send_signal(signal.SIGHUP)  # the new worker must be ready before the old one goes
    finally:
        if serving.poll() is None:
            serving.send_signal(signal.SIGTERM)
        serving.wait()
    sys.exit(serving.returncode)


def _followed(change: Change, path: str) -> bool:
    parts = Path(path).parts
    return path.endswith(_FOLLOWED) and not any(part.startswith(".") or part == "__pycache__" for part in parts)
