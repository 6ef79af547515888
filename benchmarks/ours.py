"""Thali's own rows: the project in benchmarks/thali, one worker, everything switched on."""

from collections.abc import Callable
from typing import Any

from benchmarks.places import HERE
from benchmarks.python import packages, python
from benchmarks.signer import token
from benchmarks.systems import Request, Row, System, WrongAnswerError, graphql
from benchmarks.workloads import W2_SELECTION, W3_SELECTION

PROJECT = HERE / "thali"
PORT = 9330  # as in benchmarks/thali/bff.toml
BARE_PORT = 9340
_ENV = {"BFF_CONFIG": str(PROJECT / "bff.toml"), **packages()}


def _screen(answer: Any) -> Any:
    """The data of a REST answer; a screen that fell back somewhere is not the work that is compared."""
    if not answer["meta"]["complete"]:
        raise WrongAnswerError(f"not complete: {answer['meta']}"[:300])
    return answer["data"]


def _field(name: str) -> Callable[[Any], Any]:
    def unwrap(answer: Any) -> Any:
        if "errors" in answer:
            raise WrongAnswerError(f"errors: {answer['errors']}"[:300])
        return answer["data"][name]

    return unwrap


def thali_bare() -> System:
    """What the resilience pipe costs: the same gateway, each client straight on its wire (thali/bare.py)."""
    bearer = (("Authorization", f"Bearer {token()}"),)
    env = {
        **_ENV,
        "BFF_SERVER__PUBLIC": f"127.0.0.1:{BARE_PORT}",
        "BFF_SERVER__ADMIN": f"127.0.0.1:{BARE_PORT + 1}",
    }
    rows = (Row("thali (bare wire)", "w1", Request("GET", "/bench/v1/home", bearer), _screen),)
    return System("thali-bare", lambda: [python(), "-m", "benchmarks.thali.bare"], BARE_PORT, rows, cwd=PROJECT, env=env)


def thali() -> System:
    bearer = (("Authorization", f"Bearer {token()}"),)

    def ask(path: str) -> Request:
        return Request("GET", path, bearer)

    def query(field: str, selection: str) -> Request:
        plain = graphql(f"{{ {field} {{{selection}}} }}", "/bench/graphql")
        return Request(plain.method, plain.path, plain.headers + bearer, plain.body)

    rows = (
        Row("thali", "w1", ask("/bench/v1/home"), _screen),
        Row("thali (pass-through)", "w1", ask("/bench/v1/passed"), _screen),
        Row("thali", "w1b", ask("/bench/v1/shaped"), _screen),
        Row("thali", "w2", query("home", W2_SELECTION), _field("home")),
        Row("thali", "w3", query("feed", W3_SELECTION), _field("feed")),
        Row("thali", "w4", ask("/api/v1/orders"), lambda answer: answer),
        Row("thali", "w5", ask("/bench/v1/home"), _screen),
    )
    return System("thali", lambda: [python(), "-m", "bff", "serve"], PORT, rows, cwd=PROJECT, env=_ENV)
