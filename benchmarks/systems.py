"""The systems that are compared: how each is started, and what each is asked for a workload."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.places import ROOT, STUBS, WORK, origin
from benchmarks.python import packages, python
from benchmarks.tools import NODE_PEERS, need_debian, need_node_peers, node
from benchmarks.workloads import W2_SELECTION, W3_SELECTION


class WrongAnswerError(Exception):
    """An answer that is not what the workload says it must be; `silent` when there was none."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        self.silent = silent
        super().__init__(text)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a workload's table: one request to one system, and how its envelope comes off."""

    label: str
    workload: str
    request: Request
    unwrap: Callable[[Any], Any]


@dataclass(frozen=True)
class System:
    """Something that serves rows; `need` fetches what it lacks and says why when it cannot be had."""

    name: str
    command: Callable[[], list[str]]
    port: int
    rows: tuple[Row, ...]
    need: Callable[[], str | None] = lambda: None
    cwd: Path = ROOT
    env: dict[str, str] = field(default_factory=dict)


def as_it_is(answer: Any) -> Any:
    return answer


def graphql_data(answer: Any) -> Any:
    if "errors" in answer:
        raise WrongAnswerError(f"errors: {answer['errors']}"[:300])
    return answer["data"]


def get(path: str) -> Request:
    return Request("GET", path)


def graphql(query: str, path: str = "/graphql") -> Request:
    return Request("POST", path, (("Content-Type", "application/json"),), json.dumps({"query": query}))


def _rest(name: str, *workloads: str) -> tuple[Row, ...]:
    paths = {"w1": "/w1", "w1b": "/w1b", "w4": "/w4", "w5": "/w1"}
    return tuple(Row(name, workload, get(paths[workload]), as_it_is) for workload in workloads)


def _graphql(name: str) -> tuple[Row, ...]:
    return (
        Row(name, "w2", graphql(f"{{{W2_SELECTION}}}"), graphql_data),
        Row(name, "w3", graphql(f"{{{W3_SELECTION}}}"), graphql_data),
    )


def _fastapi(name: str, module: str, port: int) -> System:
    options = ["-m", "uvicorn", f"benchmarks.peers.{module}:app", "--host", "127.0.0.1", "--port", str(port)]
    options += ["--workers", "1", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    rows = _rest(name, "w1", "w1b", "w4", "w5") + _graphql(name)
    return System(name, lambda: [python(), *options], port, rows, env=packages())


def _node(name: str, port: int, rows: tuple[Row, ...]) -> System:
    env = {"PORT": str(port), "NODE_ENV": "production", "STUBS": json.dumps({name: origin(name) for name in STUBS})}
    return System(
        name,
        lambda: [node() or "node", f"{name}.mjs"],
        port,
        rows,
        need=need_node_peers,
        cwd=NODE_PEERS,
        env=env,
    )


def _caddy(port: int) -> System:
    """W4's native peer: a plain reverse proxy; the configuration is written when it is started."""

    def command() -> list[str]:
        config = WORK / "Caddyfile"
        config.parent.mkdir(parents=True, exist_ok=True)
        site = f"http://127.0.0.1:{port} {{\n  rewrite /w4 /orders\n  reverse_proxy {origin('orders')}\n}}\n"
        config.write_text(f"{{\n  admin off\n  auto_https off\n}}\n{site}")
        return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]

    rows = (Row("caddy", "w4", get("/w4"), as_it_is),)
    return System("caddy", command, port, rows, need=lambda: need_debian("caddy"))


PEERS = (
    _fastapi("fastapi-httpx", "fastapi_httpx", 9332),
    _fastapi("fastapi-aiohttp", "fastapi_aiohttp", 9333),
    _node("fastify", 9334, _rest("fastify", "w1", "w1b", "w4", "w5")),
    _node("mercurius", 9335, _graphql("mercurius")),
    _caddy(9336),
)
