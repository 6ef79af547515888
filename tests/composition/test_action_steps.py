"""What is remembered to be undone: what was done, what may have been, and nothing that certainly was not."""

import asyncio

import pytest

from bff import Once, Steps
from bff.composition.steps import LEAST
from bff.deadline import Deadline, current_deadline, set_deadline
from bff.errors import (
    BackendBusy,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Forbidden,
    Hopeless,
    Missing,
    Refused,
)
from bff.testing import ManualClock
from bff.upstream.call import Attempt
from bff.upstream.scope import CallRecord, RequestScope


async def gives(value: str) -> str:
    return value


async def fails(error: BaseException) -> str:
    raise error


async def nothing(_: object) -> None: ...


def unreachable(*, begun: bool = False, sent: bool = True) -> BackendUnreachable:
    error = BackendUnreachable("s", sent=sent)
    error.begun = begun
    return error


async def test_what_was_done_is_remembered_with_its_value_and_a_read_is_not() -> None:
    steps = Steps()
    assert await steps.do("pay", gives("p-1"), undo=nothing) == "p-1"
    assert await steps.do("look", gives("x")) == "x"
    assert steps.done == ("pay",)
    assert steps.to_undo[0].value == "p-1"
    assert steps.failed is None


MAY_BE_DONE = {
    "no answer in time": BackendTimeout("s"),
    "reset before its answer": unreachable(),
    "reset in its answer": unreachable(begun=True),
    "500": BackendStatus("s", 500),
    "502, of a proxy": BackendStatus("s", 502),
    "503, of a proxy": BackendStatus("s", 503),
    "504": BackendStatus("s", 504),
    "an answer nobody understands": BackendInvalid("s"),
    "a time limit of its own": TimeoutError(),
    "a bug": KeyError("x"),
}
NOT_DONE = {
    "no connection": unreachable(sent=False),
    "no connection in time": BackendTimeout("s", sent=False),
    "its bulkhead is full": BackendBusy("s"),
    "no time left": Hopeless("s"),
    "400": BackendStatus("s", 400),
    "404": Missing("s"),
    "429": BackendStatus("s", 429),
    "501": BackendStatus("s", 501),
    "503, told to wait": BackendStatus("s", 503, retry_after=1.0),
    "refused by the composer": Refused("no"),
    "forbidden": Forbidden(["x"]),
}


@pytest.mark.parametrize("why", MAY_BE_DONE)
async def test_what_may_have_been_done_is_undone_without_a_value(why: str) -> None:
    steps = Steps()
    with pytest.raises(type(MAY_BE_DONE[why])):
        await steps.do("pay", fails(MAY_BE_DONE[why]), undo=nothing)
    assert [(step.name, step.value) for step in steps.to_undo] == [("pay", None)]
    assert steps.failed == "pay"


@pytest.mark.parametrize("why", NOT_DONE)
async def test_what_was_certainly_not_done_is_not_undone(why: str) -> None:
    steps = Steps()
    with pytest.raises(type(NOT_DONE[why])):
        await steps.do("pay", fails(NOT_DONE[why]), undo=nothing)
    assert (steps.done, steps.failed) == ((), "pay")


def record(method: str, *sent: bool, section: str = "") -> CallRecord:
    return CallRecord("s", method, "/x", 0.0, section, [Attempt("a:1", "first", 0.0, sent=one) for one in sent])


async def _with_record(steps: Steps, scope: RequestScope, error: BaseException, *made: CallRecord) -> None:
    async def call() -> str:
        scope.records.extend(made)
        raise error

    with pytest.raises(type(error)):
        await steps.do("pay", call(), undo=nothing)


async def test_a_call_of_which_nothing_was_sent_did_nothing() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, BackendTimeout("s"), record("POST"))
    assert steps.done == ()


@pytest.mark.parametrize("error", [BackendTimeout("s"), unreachable(begun=True), BackendInvalid("s"), asyncio.CancelledError()])
async def test_a_step_that_ended_before_its_write_did_nothing(error: BaseException) -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, error, record("GET", True, True), record("POST", False))
    assert steps.done == ()


async def test_a_write_that_was_sent_may_have_been_done_whatever_was_read_before_it() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, BackendTimeout("s"), record("GET", True), record("POST", True))
    assert steps.done == ("pay",)


async def test_of_two_writes_the_first_may_have_been_done_though_the_second_was_refused() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, BackendStatus("s", 409), record("POST", True), record("POST", True))
    assert steps.done == ("pay",)


async def test_a_second_sending_that_the_composer_made_a_refusal_of_tells_nothing_of_the_first() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, Refused("declined"), record("POST", True, True))
    assert steps.done == ("pay",)


async def test_what_was_sent_once_and_made_a_refusal_of_was_not_done() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, Refused("declined"), record("POST", True))
    assert steps.done == ()


async def test_a_planned_step_is_undone_as_it_was_planned() -> None:
    steps = Steps()
    steps.plan("pay", nothing)
    assert steps.done == ()
    await steps.do("pay", gives("p-1"))
    assert [(step.name, step.value, step.undo) for step in steps.to_undo] == [("pay", "p-1", nothing)]


async def test_a_write_of_a_step_beside_it_is_not_its_own() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    other = record("POST", True, section="stock")
    await _with_record(steps, scope, BackendStatus("s", 409), record("POST", True, section="pay"), other)
    assert steps.done == ()


async def test_a_call_that_was_sent_twice_may_have_done_it_the_first_time() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, BackendStatus("s", 409), record("POST", True, True))
    assert steps.done == ("pay",)


async def test_a_second_sending_that_met_no_connection_tells_nothing_of_the_first() -> None:
    scope = RequestScope()
    steps = Steps(scope)
    await _with_record(steps, scope, unreachable(), record("POST", True, False))
    assert steps.done == ("pay",)


async def test_a_step_is_not_begun_when_hardly_any_time_is_left() -> None:
    clock = ManualClock()
    begun: list[str] = []

    async def call() -> str:
        begun.append("pay")
        return ""

    steps = Steps()
    set_deadline(Deadline.after(LEAST * 0.9, clock))
    try:
        with pytest.raises(Hopeless) as caught:
            await steps.do("pay", call(), undo=nothing)
        assert caught.value.sent is False
        assert (begun, steps.done, steps.failed) == ([], (), "pay")
        set_deadline(Deadline.after(LEAST * 1.1, clock))
        await steps.do("pay", call(), undo=nothing)
        assert (begun, steps.done) == (["pay"], ("pay",))
    finally:
        set_deadline(None)


async def test_a_step_drops_what_was_read_before_it() -> None:
    scope = RequestScope(loaders={"x": 1})
    await Steps(scope).do("pay", gives("x"))
    assert not scope.loaders


async def test_calls_of_a_step_are_under_its_name_and_the_actions_deadline() -> None:
    seen: list[Deadline | None] = []

    async def call() -> str:
        seen.append(current_deadline())
        return ""

    set_deadline(Deadline(1e9, of="placeOrder"))
    try:
        await Steps().do("pay", call())
        assert [(one.at, one.of) for one in seen if one] == [(1e9, "pay")]
        outer = current_deadline()
        assert outer is not None
        assert outer.of == "placeOrder"
    finally:
        set_deadline(None)


def test_keys_are_the_same_for_the_same_request_and_others_for_each_step() -> None:
    assert Once("a").key("pay") == Once("a").key("pay")
    assert len({Once("a").key("pay"), Once("a").key("order"), Once("b").key("pay"), Once().key("pay"), Once().key("pay")}) == 5
    assert Once.of("a", "bc").key("x") != Once.of("ab", "c").key("x")
    assert Once.of("a", "b").key("x") == Once.of("a", "b").key("x")
