"""Settings of a service that contradict one another are refused, with the mend."""

import pytest
from pydantic import ValidationError

from bff.service_settings import ServiceSettings


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"breaker": {"open_for": 90}}, "raise open_max"),
        ({"breaker": {"slow_after": 0.8}}, "set breaker.slow_after below it"),
    ],
)
def test_a_breaker_that_could_not_do_as_it_is_told_is_refused(given: dict[str, object], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        ServiceSettings.model_validate({"instances": ["http://127.0.0.1:9"], **given})


def test_a_fixed_pause_of_30_seconds_is_one_to_be_had() -> None:
    settings = ServiceSettings.model_validate(
        {"instances": ["http://127.0.0.1:9"], "breaker": {"open_for": 30, "growth": 1, "jitter": 0}}
    )
    assert settings.breaker.open_for == 30
