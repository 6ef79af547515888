"""Settings of a service that contradict one another are refused, with the mend."""

import pytest
from pydantic import ValidationError

from bff.service_settings import ServiceSettings


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"breaker": {"open_for": 90}}, "raise open_max"),
        ({"breaker": {"slow_after": 0.8}}, "set breaker.slow_after below it"),
        ({"retry": {"budget": 0, "budget_floor": 0}}, "give retry.budget or set retry.attempts = 1"),
        ({"hedge": {"least": 0.9}}, "hedge.least is all of `timeout`"),
        ({"bulkhead": {"wait": 1}}, "bulkhead.wait is all of `timeout`"),
        ({"bulkhead": {"adaptive": True, "min_limit": 200}}, "bulkhead.min_limit is over max_in_flight"),
        ({"eject": {"base": 400}}, "eject.base is over eject.max"),
        ({"retry": {"backoff": 1}}, "retry.backoff is over retry.backoff_max"),
        ({"balance": {"weights": {"127.0.0.1:8": 2}}}, "balance.weights names 127.0.0.1:8, which is none"),
        ({"connect_timeout": 1}, "connect_timeout is over `timeout`"),
        ({"first_byte_timeout": 1}, "first_byte_timeout is over `timeout`"),
        ({"wire": "httpx", "first_byte_timeout": 0.1}, "first_byte_timeout is for wire = 'http1'"),
        ({"discover": {"kind": "dns", "name": "users:80"}}, "one of the two"),
        ({"identity": "headers"}, "use 'token', or say trusted_network = true"),
        ({"identity": "token", "trusted_network": True}, "trusted_network is for identity = 'headers'; take it out"),
        ({"first_byte_timeout": 1, "hedge": {"least": 0.9}}, "first_byte_timeout is over .*; hedge.least is"),
    ],
)
def test_what_could_not_do_as_it_is_told_is_refused(given: dict[str, object], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        ServiceSettings.model_validate({"instances": ["http://127.0.0.1:9"], **given})


@pytest.mark.parametrize("given", [{"timeout": 0.04}, {"max_in_flight": 5, "bulkhead": {"adaptive": True}}])
def test_a_default_that_nobody_set_contradicts_nothing(given: dict[str, object]) -> None:
    ServiceSettings.model_validate({"instances": ["http://127.0.0.1:9"], **given})


def test_a_fixed_pause_of_30_seconds_is_one_to_be_had() -> None:
    settings = ServiceSettings.model_validate(
        {"instances": ["http://127.0.0.1:9"], "breaker": {"open_for": 30, "growth": 1, "jitter": 0}}
    )
    assert settings.breaker.open_for == 30
