"""What a client is told of calls that were not made."""

import pytest

from bff import BackendBusy
from bff.composition.outcome import NeedFailed, failed, stood_in
from bff.errors import BffError, BreakerOpen, Hopeless, Shed


@pytest.mark.parametrize(
    ("cause", "status", "reason", "service"),
    [
        (BackendBusy("orders"), "unavailable", "busy", "orders"),
        (BreakerOpen("orders", retry_after=4.2), "unavailable", "breaker open", "orders"),
        (Hopeless("orders"), "timeout", "no time left", "orders"),
        (Shed("overload"), "shed", "overload", None),
        (Shed("busy", "orders"), "shed", "busy", "orders"),
        (NeedFailed("tier", Shed("busy", "orders")), "unavailable", "needs tier", "orders"),
    ],
)
def test_what_was_not_asked_says_why_by_status_and_reason(
    cause: BffError, status: str, reason: str, service: str | None
) -> None:
    outcome = failed(cause)
    assert (outcome.status, outcome.reason, outcome.service) == (status, reason, service)


def test_an_open_breaker_says_when_to_ask_again() -> None:
    assert failed(BreakerOpen("orders", retry_after=4.2)).as_meta()["retryAfter"] == 4.2
    assert stood_in(BreakerOpen("orders", retry_after=4.2)).as_meta() == {
        "status": "fallback",
        "reason": "breaker open",
        "service": "orders",
        "retryAfter": 4.2,
    }


def test_a_stand_in_for_what_was_shed_is_still_shed() -> None:
    assert stood_in(Shed("overload")).as_meta() == {"status": "shed", "reason": "overload"}
