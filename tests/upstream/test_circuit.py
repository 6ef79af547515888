"""The breaker's state machine under every order of calls, ends, losses and time."""

import random

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState

from bff.service_settings import BreakerSettings
from bff.upstream.circuit import Circuit

TIMEOUT = 0.8


class Changes(CircuitBreakerListener):
    def __init__(self) -> None:
        self.names: list[str] = []

    def state_change(self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState) -> None:
        self.names.append(new_state.name)


class Bench:
    """A circuit, the moment that it is told, and what its listener heard."""

    def __init__(self, draw: float = 0.5, **given: object) -> None:
        self.now = 1000.0
        self.heard = Changes()
        settings = BreakerSettings.model_validate({"calls": 4, **given})
        self.circuit = Circuit("shop", settings, TIMEOUT, lambda: self.now, lambda: draw, self.heard)

    def let_in(self) -> int | None:
        """The permit of a call that comes now, or None."""
        if self.circuit.closed:
            return self.circuit.permit
        try:
            return self.circuit.admit(self.now, self.now + TIMEOUT)
        except CircuitBreakerError:
            return None

    def good(self, permit: int | None) -> None:
        assert permit is not None
        self.circuit.good(permit, self.now)

    def bad(self, permit: int | None) -> None:
        assert permit is not None
        self.circuit.settle(permit, "bad", False, self.now)

    def fail(self) -> None:
        for _ in range(4):
            self.bad(self.let_in())


def test_it_opens_only_when_there_were_enough_calls() -> None:
    bench = Bench()
    for _ in range(3):
        bench.bad(bench.let_in())
    assert bench.circuit.current_state == "closed"
    bench.good(bench.let_in())  # the fourth one: three of four are bad
    assert bench.circuit.current_state == "open"
    assert bench.let_in() is None


def test_the_listener_hears_every_change() -> None:
    bench = Bench()
    bench.fail()
    bench.now += 5
    for permit in [bench.let_in() for _ in range(3)]:
        bench.good(permit)
    assert bench.heard.names == ["open", "half-open", "closed"]


def test_all_trials_must_be_good() -> None:
    bench = Bench()
    bench.fail()
    bench.now += 5
    first, second, third = (bench.let_in() for _ in range(3))
    assert bench.let_in() is None
    bench.good(first)
    assert bench.let_in() is None  # two are out and one is good: there is no fourth
    bench.good(second)
    bench.bad(third)
    assert bench.heard.names == ["open", "half-open", "open"]


def test_a_slow_trial_is_no_good_one() -> None:
    bench = Bench()
    bench.fail()
    bench.now += 5
    permit = bench.let_in()
    assert permit is not None
    bench.circuit.settle(permit, "good", True, bench.now)
    assert bench.circuit.current_state == "open"


def test_each_trial_that_failed_makes_the_pause_longer_up_to_the_longest() -> None:
    bench = Bench()
    bench.fail()
    pauses = []
    for _ in range(6):
        pauses.append(bench.circuit.retry_after(bench.now))
        bench.now += pauses[-1]
        bench.bad(bench.let_in())
    assert pauses == [5, 10, 20, 40, 60, 60]
    bench.now += 60
    for permit in [bench.let_in() for _ in range(3)]:
        bench.good(permit)
    bench.fail()
    assert bench.circuit.retry_after(bench.now) == 5  # it was well in between


def test_growth_1_is_a_fixed_pause_and_never_a_number_too_large() -> None:
    fixed, growing = Bench(open_for=30, growth=1), Bench(growth=1e300)
    for bench in (fixed, growing):
        bench.fail()
        for _ in range(5):
            bench.now += 60
            bench.bad(bench.let_in())
    assert fixed.circuit.retry_after(fixed.now) == 30
    assert growing.circuit.retry_after(growing.now) == 60


@pytest.mark.parametrize(("draw", "pause"), [(0.0, 4.5), (0.5, 5.0), (1.0, 5.5)])
def test_a_pause_varies_by_its_jitter(draw: float, pause: float) -> None:
    bench = Bench(draw)
    bench.fail()
    assert bench.circuit.retry_after(bench.now) == pytest.approx(pause)


def test_what_ends_after_the_circuit_has_turned_is_not_counted() -> None:
    bench = Bench()
    late = [bench.let_in() for _ in range(10)]
    bench.fail()
    bench.now += 5
    trials = [bench.let_in() for _ in range(3)]
    bench.good(late[0])
    bench.bad(late[1])
    assert bench.circuit.current_state == "half-open"
    for permit in trials:
        bench.good(permit)
    for permit in late[2:]:
        bench.bad(permit)
    assert bench.circuit.closed


def test_a_trial_that_never_tells_its_end_ends_the_trial_after_two_timeouts() -> None:
    bench = Bench()
    bench.fail()
    bench.now += 5
    for _ in range(3):
        bench.let_in()  # lost
    bench.now += 2 * TIMEOUT - 0.01
    assert bench.let_in() is None
    assert bench.circuit.current_state == "half-open"
    bench.now += 0.02
    assert bench.let_in() is None
    assert bench.circuit.current_state == "open"
    bench.now += 10
    assert bench.let_in() is not None


def test_a_trial_with_a_long_time_of_its_own_is_waited_for() -> None:
    bench = Bench(trials=1)
    bench.fail()
    bench.now += 5
    permit = bench.circuit.admit(bench.now, bench.now + 30)
    bench.now += 29
    assert bench.let_in() is None
    bench.good(permit)
    assert bench.circuit.closed


def test_neutral_calls_do_not_hide_the_bad_ones() -> None:
    bench = Bench()
    for _ in range(100):
        bench.circuit.settle(bench.circuit.epoch, "neutral", False, bench.now)
    bench.fail()
    assert not bench.circuit.closed


def test_what_was_bad_before_it_closed_is_forgotten() -> None:
    bench = Bench()
    bench.fail()
    bench.now += 5
    for permit in [bench.let_in() for _ in range(3)]:
        bench.good(permit)
    bench.bad(bench.let_in())
    assert bench.circuit.closed


def test_a_quiet_service_closes_however_far_apart_its_trials_are() -> None:
    bench = Bench()
    bench.fail()
    for _ in range(3):
        bench.now += 600
        bench.good(bench.let_in())
    assert bench.circuit.closed


class Life(RuleBasedStateMachine):
    """Calls begin, end in any order and way, or never; time passes; an operator opens and closes by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(draw=random.Random(7).random())
        self.permits: list[int] = []  # of calls in flight
        self.lost: list[int] = []  # of calls that will never tell

    @property
    def trials(self) -> int:
        circuit = self.bench.circuit
        return 0 if circuit.closed else (self.permits + self.lost).count(circuit.epoch)

    @rule(count=st.integers(1, 6))
    def begin(self, count: int) -> None:
        circuit = self.bench.circuit
        for _ in range(count):
            shut = circuit.current_state == "open" and circuit.retry_after(self.bench.now) > 0
            permit = self.bench.let_in()
            if permit is None:
                assert not circuit.closed
            else:
                assert not shut
                self.permits.append(permit)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), verdict=st.sampled_from(["good", "bad", "bad", "neutral"]), slow=st.booleans())
    def end(self, data: st.DataObject, verdict: str, slow: bool) -> None:
        permit = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        before = self.bench.circuit.epoch
        if verdict == "good" and not slow:
            self.bench.circuit.good(permit, self.bench.now)
        else:
            self.bench.circuit.settle(permit, verdict, slow and verdict == "good", self.bench.now)  # type: ignore[arg-type]
        assert permit == before or self.bench.circuit.epoch == before

    @precondition(lambda self: self.permits)
    @rule()
    def lose(self) -> None:
        self.lost.append(self.permits.pop())

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 6.0, 80.0]))
    def wait(self, seconds: float) -> None:
        self.bench.now += seconds

    @rule(by_hand=st.sampled_from(["open", "close", "half_open"]))
    def operate(self, by_hand: str) -> None:
        getattr(self.bench.circuit, by_hand)()

    @invariant()
    def trials_are_capped(self) -> None:
        assert self.trials <= 3

    @invariant()
    def what_is_said_is_what_holds(self) -> None:
        circuit = self.bench.circuit
        assert circuit.closed == (circuit.current_state == "closed") == (circuit.state.name == "closed")

    def teardown(self) -> None:
        """Never stuck: whatever was lost, a service that is well again is found out."""
        for _ in range(3):
            self.bench.now += 80
            for permit in [self.bench.let_in() for _ in range(3)]:
                if permit is not None:
                    self.bench.good(permit)
        assert self.bench.circuit.closed


Life.TestCase.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
