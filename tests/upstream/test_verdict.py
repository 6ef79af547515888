"""What an outcome tells of a backend's health, row by row."""

import asyncio

import pytest

from bff.errors import (
    BackendBusy,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    BreakerOpen,
    Hopeless,
    Missing,
)
from bff.upstream.call import Reply
from bff.upstream.verdict import of_error, of_reply, of_time


@pytest.mark.parametrize("status", [200, 201, 204, 302, 304])
def test_an_answer_is_good(status: int) -> None:
    assert of_reply(Reply(status)) == "good"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 429, 499, 501, 505])
def test_a_refusal_of_the_request_tells_nothing_of_health(status: int) -> None:
    assert of_reply(Reply(status)) == "neutral"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 507, 520, 599])
def test_a_server_error_is_bad_and_one_that_nobody_knows_is_a_500(status: int) -> None:
    assert of_reply(Reply(status)) == "bad"


@pytest.mark.parametrize("kind", [BackendTimeout, BackendUnreachable, BackendInvalid])
def test_a_failure_of_the_backend_is_bad_unless_it_was_ours(kind: type[BackendTimeout]) -> None:
    assert of_error(kind("users")) == "bad"
    assert of_error(kind("users", ours=True)) == "neutral"


@pytest.mark.parametrize("kind", [BackendBusy, BreakerOpen, Hopeless])
def test_a_call_that_was_not_made_tells_nothing(kind: type[BackendBusy]) -> None:
    assert of_error(kind("users")) == "neutral"


def test_a_status_that_was_raised_is_judged_as_one_that_was_answered() -> None:
    assert of_error(BackendStatus("users", 503)) == "bad"
    assert of_error(BackendStatus("users", 429)) == "neutral"
    assert of_error(Missing("users")) == "neutral"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TypeError("a bug"), ValueError("a bug")])
def test_a_cancellation_and_a_bug_of_ours_tell_nothing(error: BaseException) -> None:
    assert of_error(error) == "neutral"


def test_only_a_timeout_and_a_504_are_of_the_time_that_a_call_had() -> None:
    assert of_time(BackendTimeout("users"))
    assert of_time(Reply(504))
    assert not any(of_time(other) for other in (Reply(503), Reply(200), BackendUnreachable("users"), BackendInvalid("users")))
