"""The switches of a service, on their own port."""

import httpx
import pytest

from backends.running import Backends
from tests.backends.conftest import Asking


async def test_a_fault_is_set_shown_and_healed(ask: Asking, control: Asking) -> None:
    put = await control("users", "/_control", "PUT", json={"kind": "status", "status": 503, "retry_after": 2})
    assert put.json()["fault"]["kind"] == "status"
    answer = await ask("users", "/users/7")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await control("users", "/_control", "DELETE")).json()["fault"] is None
    assert (await ask("users", "/users/7")).status_code == 200


async def test_a_fault_of_one_path_leaves_the_others_well(ask: Asking, control: Asking) -> None:
    await control("users", "/_control", "PUT", json={"kind": "malformed", "path": "/users/7"})
    assert (await ask("users", "/users/7")).content == b'{"broken": '
    assert (await ask("users", "/users/8")).json()["id"] == "8"


async def test_raw_bytes_come_as_base64(ask: Asking, control: Asking) -> None:
    await control("users", "/_control", "PUT", json={"kind": "raw", "raw": "bm90IEhUVFA="})
    with pytest.raises(httpx.RemoteProtocolError):
        await ask("users", "/users/7")


async def test_control_calls_are_neither_counted_nor_faulted(ask: Asking, control: Asking) -> None:
    await control("users", "/_control", "PUT", json={"kind": "latency", "ms": 1})
    await ask("users", "/users/7")
    counters = (await control("users", "/_control")).json()["counters"]
    assert (counters["calls"], counters["finished"], counters["cancels"]) == (1, 1, 0)
    assert (await control("users", "/_control/reset", "POST")).json()["counters"]["calls"] == 0


async def test_off_goes_away_and_comes_back_on_the_same_port(backends: Backends, ask: Asking, control: Asking) -> None:
    address = backends.address("users")
    assert (await control("users", "/_control", "PUT", json={"kind": "off"})).json()["off"]
    with pytest.raises(httpx.ConnectError):
        await ask("users", "/users/7")
    assert (await control("users", "/_control")).json()["off"]
    assert not (await control("users", "/_control", "DELETE")).json()["off"]
    assert (await ask("users", "/users/7")).status_code == 200
    assert backends.address("users") == address


async def test_bad_switches_are_refused(control: Asking) -> None:
    for wrong in ({"kind": "sleepy"}, {}, {"kind": "hang", "more": 1}, {"kind": "latency", "ms": "x"}):
        assert (await control("users", "/_control", "PUT", json=wrong)).status_code == 422
    assert (await control("users", "/_control", "POST")).status_code == 405
    assert (await control("users", "/users/7")).status_code == 404
