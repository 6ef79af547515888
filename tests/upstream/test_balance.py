"""One attempt through the balance: what is recorded of it, where it goes, and what it does to its instance."""

import asyncio
import re
from random import Random
from typing import Any

import pytest

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendBusy, BackendInvalid, BackendTimeout, BackendUnreachable, BreakerOpen, Hopeless
from bff.service_settings import ServiceSettings
from bff.testing import ManualClock
from bff.upstream.balance import Balance
from bff.upstream.call import Attempt, Call, Reply, Trace
from bff.upstream.instances import Instances
from bff.upstream.stats import InstanceStats, ServiceStats
from tests.upstream.simulation import Simulation, takes


class Wire:
    """Answers with `reply`, raises it, or hangs when it is None; each takes 10 ms."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.reply: Reply | Exception | None = Reply(200, body=b"7")
        self.calls: list[tuple[Call, Attempt]] = []
        self.closed = False

    async def send(self, call: Call, attempt: Attempt) -> Reply:
        self.calls.append((call, attempt))
        if self.reply is None:
            await asyncio.get_running_loop().create_future()
        await self.clock.sleep(0.01)
        if isinstance(self.reply, Reply):
            return self.reply
        assert self.reply is not None
        raise self.reply

    async def close(self) -> None:
        self.closed = True


class Setting:
    def __init__(self, *names: str, seed: int = 1, **settings: Any) -> None:
        self.clock, self.stats = ManualClock(), ServiceStats()
        self.wires: dict[str, Wire] = {}
        self.instances = Instances(self._wire, self.stats, clock=self.clock)
        made = ServiceSettings.model_validate({"instances": ["http://a:1"], **settings})
        self.instances.update([Endpoint("http", name, 1) for name in names])
        self.balance = Balance("users", self.instances, made, self.stats, clock=self.clock, chance=Random(seed))

    def _wire(self, endpoint: Endpoint, stats: InstanceStats) -> Wire:
        wire = self.wires[endpoint.name] = Wire(self.clock)
        return wire

    def call(self, **more: Any) -> Call:
        return Call("users", "GET", "/", Deadline.after(5, self.clock), **more)

    async def send(self, call: Call | None = None) -> Reply:
        return await self.clock.drive(self.balance.send(call or self.call()))


async def test_an_attempt_is_recorded_with_its_instance_times_and_result() -> None:
    setting = Setting("a")
    call = setting.call()
    call.kind = "retry"
    await setting.send(call)
    assert call.attempts == [Attempt("a:1", "retry", 1000.0, "", 1000.01, "200")]
    stats = setting.stats.instances["a:1"]
    assert (stats.in_flight, stats.good, stats.neutral, stats.bad) == (0, 1, 0, 0)
    assert (stats.latency.count, round(stats.latency.sum, 3)) == (1, 0.01)


async def test_a_traced_attempt_has_a_span_of_its_own() -> None:
    setting = Setting("a")
    call = setting.call(trace=Trace("4bf92f3577b34da6a3ce929d0e0e4736"))
    await setting.send(call)
    await setting.send(call)
    spans = [attempt.span_id for attempt in call.attempts]
    assert len(set(spans)) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", span) for span in spans)


async def test_the_body_of_a_2xx_is_decoded_here_and_only_there() -> None:
    setting = Setting("a")
    assert (await setting.send(setting.call(decode=int))).value == 7
    setting.wires["a:1"].reply = Reply(404, body=b"nobody")
    assert (await setting.send(setting.call(decode=int))).value is None


@pytest.mark.parametrize(
    ("reply", "result", "counts", "timed"),
    [
        (Reply(201), "201", (1, 0, 0), 1),
        (Reply(404), "404", (0, 1, 0), 1),
        (Reply(503), "503", (0, 0, 1), 1),
        (BackendUnreachable("users"), "unreachable", (0, 0, 1), 1),
        (BackendTimeout("users"), "timeout", (0, 0, 1), 1),
        (BackendTimeout("users", ours=True), "timeout", (0, 1, 0), 0),
        (ValueError("a bug"), "cancelled", (0, 1, 0), 0),
    ],
    ids=["created", "missing", "unavailable", "unreachable", "timeout", "our timeout", "our bug"],
)
async def test_an_outcome_is_counted_by_its_verdict(
    reply: Reply | Exception, result: str, counts: tuple[int, int, int], timed: int
) -> None:
    setting = Setting("a")
    setting.wires["a:1"].reply = reply
    call = setting.call()
    got = (await asyncio.gather(setting.send(call), return_exceptions=True))[0]
    assert got is reply
    stats = setting.stats.instances["a:1"]
    assert (stats.good, stats.neutral, stats.bad) == counts
    assert (call.attempts[0].result, call.attempts[0].ended) == (result, 1000.01)
    assert (stats.in_flight, stats.latency.count) == (0, timed)


async def test_a_promise_that_its_body_breaks_is_a_bad_attempt() -> None:
    def decode(body: bytes) -> object:
        raise BackendInvalid("users", "name: expected str")

    setting = Setting("a")
    call = setting.call(decode=decode)
    with pytest.raises(BackendInvalid):
        await setting.send(call)
    assert setting.stats.instances["a:1"].bad == 1
    assert call.attempts[0].result == "invalid"


@pytest.mark.parametrize("late", [BackendTimeout("users"), Reply(504)], ids=["told by nobody", "told by the backend"])
async def test_the_end_of_too_little_time_takes_no_instance_out(late: Reply | Exception) -> None:
    setting = Setting("a", "b")
    setting.stats.enough = 6.0  # calls are given 5
    setting.wires["a:1"].reply = setting.wires["b:1"].reply = late
    for _ in range(20):
        await asyncio.gather(setting.send(setting.call()), return_exceptions=True)
    assert sum(one.neutral for one in setting.stats.instances.values()) == 20
    assert not any(one.ejections for one in setting.stats.instances.values())
    setting.stats.enough = 4.0
    for _ in range(20):
        await asyncio.gather(setting.send(setting.call()), return_exceptions=True)
    assert any(one.ejected for one in setting.stats.instances.values())


async def test_a_cancelled_attempt_is_neutral_and_frees_its_place_at_once() -> None:
    setting = Setting("a")
    setting.wires["a:1"].reply = None
    call = setting.call()
    task = asyncio.create_task(setting.balance.send(call))
    await setting.clock.advance(1)
    stats = setting.stats.instances["a:1"]
    assert stats.in_flight == 1
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (stats.in_flight, stats.neutral, stats.bad, stats.latency.count) == (0, 1, 0, 0)
    assert (call.attempts[0].result, call.attempts[0].ended) == ("cancelled", 1001.0)


@pytest.mark.parametrize("policy", ["round_robin", "least_connections", "least_requests", "peak_ewma"])
async def test_another_attempt_of_a_call_goes_to_another_instance_while_there_is_one(policy: str) -> None:
    for seed in range(20):
        setting = Setting("a", "b", "c", seed=seed, balance={"policy": policy})
        call = setting.call()
        for _ in range(3):
            await setting.send(call)
        assert {attempt.instance for attempt in call.attempts} == {"a:1", "b:1", "c:1"}
        await setting.send(call)
        assert len(call.attempts) == 4


async def test_while_no_instance_is_known_a_call_is_unreachable_by_nobodys_fault() -> None:
    setting = Setting()
    with pytest.raises(BackendUnreachable, match="no instance is known") as caught:
        await setting.send()
    assert caught.value.ours


async def test_an_instance_that_fails_is_ejected_and_called_again_when_its_time_is_over() -> None:
    setting = Setting("a", "b", balance={"policy": "round_robin"})
    setting.wires["a:1"].reply = Reply(500)
    for _ in range(20):
        await setting.send()
    assert len(setting.wires["a:1"].calls) == 5
    assert setting.stats.instances["a:1"].ejected
    await setting.clock.advance(30)
    for _ in range(30):
        await setting.send()
    assert len(setting.wires["a:1"].calls) > 5


async def test_nothing_is_ejected_when_that_is_off() -> None:
    setting = Setting("a", "b", balance={"policy": "round_robin"}, eject={"on": False})
    setting.wires["a:1"].reply = Reply(500)
    for _ in range(20):
        await setting.send()
    assert len(setting.wires["a:1"].calls) == 10


async def test_f20_two_of_three_that_fail_their_checks_but_answer_are_called_all_the_same() -> None:
    setting = Setting("a", "b", "c", health={"path": "/health", "every": 1})
    answer, ill = Reply(200), Reply(500)

    class Torn(Wire):
        async def send(self, call: Call, attempt: Attempt) -> Reply:
            self.calls.append((call, attempt))
            return ill if call.target == "/health" else answer

    torn = [Torn(setting.clock), Torn(setting.clock)]
    for name, wire in zip(("a:1", "b:1"), torn, strict=True):
        next(peer for peer in setting.instances.live if peer.name == name).wire = wire
    assert (await setting.send()).status == 200  # the checks begin
    await setting.clock.advance(5)
    assert [stats.healthy for stats in setting.stats.instances.values()] == [False, False, True]
    for wire in torn:
        wire.calls.clear()
    for _ in range(30):
        assert (await setting.send()).status == 200
    assert setting.stats.panic == 30
    assert all(any(call.target == "/" for call, _ in wire.calls) for wire in torn)
    await setting.balance.close()


async def test_close_ends_the_checks_and_every_wire() -> None:
    setting = Setting("a", "b", health={"path": "/health"})
    await setting.send()
    await setting.balance.close()
    assert all(wire.closed for wire in setting.wires.values())
    assert len(asyncio.all_tasks()) == 1


# Minutes of traffic, simulated


def test_f18_a_copy_ten_times_as_slow_gets_hardly_a_call_of_peak_ewma() -> None:
    simulation = Simulation({"a": takes(0.2), "b": takes(0.02), "c": takes(0.02)}, balance={"policy": "peak_ewma"})
    simulation.run(5, rate=200)
    simulation.run(60, rate=200)
    assert simulation.share("a") <= 0.01


@pytest.mark.parametrize("policy", ["least_requests", "least_connections"])
def test_f18_under_load_the_less_busy_one_is_the_quicker_one(policy: str) -> None:
    simulation = Simulation({"a": takes(0.2), "b": takes(0.02), "c": takes(0.02)}, balance={"policy": policy})
    simulation.run(5, rate=1000)
    simulation.run(10, rate=1000)
    assert simulation.share("a") <= 0.08  # a third were its fair share


@pytest.mark.parametrize("rate", [20, 200])
@pytest.mark.parametrize("policy", ["round_robin", "least_connections", "least_requests", "peak_ewma"])
def test_f19_a_copy_that_fails_fast_is_ejected_and_not_favoured(policy: str, rate: float) -> None:
    simulation = Simulation({"a": takes(0.001, 500), "b": takes(0.02), "c": takes(0.02)}, balance={"policy": policy})
    simulation.run(3, rate)
    for _ in range(3):
        simulation.run(60, rate)
        assert simulation.errors / simulation.met.total() <= 0.01


@pytest.mark.parametrize("policy", ["round_robin", "least_connections", "least_requests", "peak_ewma"])
def test_a_new_copy_gets_its_share_slowly(policy: str) -> None:
    simulation = Simulation(dict.fromkeys("abc", takes(0.02)), found="ab", balance={"policy": policy})
    simulation.run(11, rate=200)
    simulation.find("a", "b", "c")
    simulation.run(2, rate=200)
    assert simulation.share("c") <= 0.12
    simulation.run(10, rate=200)
    simulation.run(20, rate=200)
    assert 0.29 <= simulation.share("c") <= 0.37


@pytest.mark.parametrize("sent", [True, False])
async def test_an_attempt_tells_whether_it_was_sent(sent: bool) -> None:
    setting = Setting("a")
    setting.wires["a:1"].reply = BackendUnreachable("users", sent=sent)
    call = setting.call()
    with pytest.raises(BackendUnreachable):
        await setting.send(call)
    assert [attempt.sent for attempt in call.attempts] == [sent]


async def test_what_found_no_instance_or_no_place_was_not_sent() -> None:
    with pytest.raises(BackendUnreachable) as caught:
        await Setting().send()
    assert not caught.value.sent
    assert not any(error("users").sent for error in (BackendBusy, BreakerOpen, Hopeless))
