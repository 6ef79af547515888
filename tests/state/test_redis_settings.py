"""What [state] takes, and what it says to the rest."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from bff.state_settings import RedisAddress, StateSettings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", RedisAddress("alone", False, (("cache", 6379),))),
        ("rediss://cache:6380/2", RedisAddress("alone", True, (("cache", 6380),), database=2)),
        ("redis://[::1]:6379/0", RedisAddress("alone", False, (("::1", 6379),))),
        (
            "redis+sentinel://a,b:26380/main",
            RedisAddress("sentinel", False, (("a", 26379), ("b", 26380)), primary="main"),
        ),
        ("rediss+cluster://a:7000,b:7001/0", RedisAddress("cluster", True, (("a", 7000), ("b", 7001)))),
    ],
)
def test_a_url_says_where_and_how(url: str, address: RedisAddress) -> None:
    assert RedisAddress.of(url) == address
    assert StateSettings(url=url).url == url


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("http://cache:6379", "begins with"),
        ("redis+other://cache:6379", "begins with"),
        ("redis://:hunter2@cache:6379", "username and password apart"),
        ("redis://user:hunter2@cache:6379", "username and password apart"),
        ("redis://cache:6379/0?password=hunter2", "username and password apart"),
        ("redis://", "no host"),
        ("redis://cache:0", "no host"),
        ("redis://cache:99999", "no host"),
        ("redis://a:1,b:2", "several hosts"),
        ("redis://cache:6379/first", "number of a database"),
        ("redis+sentinel://cache:26379", "whom the sentinels watch"),
        ("redis+cluster://cache:7000/1", "a cluster has only 0"),
        ("redis://[::1", "no host"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str, mend: str) -> None:
    with pytest.raises(ValidationError, match=mend) as refused:
        StateSettings(url=url)
    assert "hunter2" not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"url": "redis://cache", "ca": "ca.pem"}, "for rediss:// only"),
        ({"url": "redis://cache", "username": "gateway"}, "without password"),
        ({"password": "hunter2"}, "without url"),
    ],
)
def test_what_would_silently_not_be_used_is_refused(given: dict[str, str], mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        StateSettings.model_validate(given)


def test_redis_is_imported_only_where_a_url_is_given() -> None:
    program = (
        "import sys; from bff.state.open import state_of; from bff.state_settings import StateSettings; "
        "state_of(StateSettings()); print('redis' in sys.modules or 'hiredis' in sys.modules); "
        "state_of(StateSettings(url='redis://cache')); print('redis' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
