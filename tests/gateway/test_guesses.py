"""Who tries credentials is stopped, and nobody else is (S038, S152)."""

import pytest

from bff.faces.problems import Problem
from bff.gateway.address import network_of
from bff.gateway.guesses import BY_ADDRESS, BY_PAIR, FORGET, LOCK, LONGEST, MOST, WINDOW, Guesses
from tests.identity.tokens import Time

HERE, THERE = "192.0.2.7", "198.51.100.9"


def locked(guesses: Guesses, address: str, key_id: str = "") -> int:
    """The seconds that the refusal tells; 0 without one."""
    try:
        guesses.refuse(address, key_id)
    except Problem as problem:
        refusal = problem
    else:
        return 0
    headers = dict(refusal.headers)
    assert refusal.kind == "quota-exceeded"
    assert headers[b"ratelimit"].endswith(b"t=" + headers[b"retry-after"])
    return int(headers[b"retry-after"])


def test_s038_a_thousand_guesses_end_in_a_lock_out_of_this_address_with_this_key() -> None:
    clock = Time()
    guesses = Guesses(clock.now)
    checked = 0
    for _ in range(1000):
        clock.at += 0.01
        if not locked(guesses, HERE, "a"):
            checked += 1
            guesses.failed(HERE, "a")
    assert checked == BY_PAIR
    assert locked(guesses, HERE, "a")
    assert not locked(guesses, HERE, "b")
    assert not locked(guesses, THERE, "a")  # the owner, elsewhere, is not locked out by a guesser


def test_s038_guesses_over_many_keys_lock_the_address_out() -> None:
    guesses = Guesses(Time().now)
    for number in range(BY_ADDRESS):
        assert not locked(guesses, HERE, f"key-{number}")
        guesses.failed(HERE, f"key-{number}")
    assert locked(guesses, HERE, "any")
    assert locked(guesses, HERE)
    assert not locked(guesses, THERE, "key-1")


def test_each_lock_out_is_twice_as_long_up_to_an_hour() -> None:
    clock = Time()
    guesses = Guesses(clock.now)
    told = []
    for _ in range(9):
        for _ in range(BY_PAIR):
            guesses.failed(HERE, "a")
        told.append(locked(guesses, HERE, "a"))
        clock.at += told[-1]
        assert not locked(guesses, HERE, "a")
        clock.at += WINDOW  # so that the address alone stays below its own limit
    assert told[:3] == [LOCK, 2 * LOCK, 4 * LOCK]
    assert told[-1] == LONGEST


def test_a_few_failures_now_and_then_are_forgiven() -> None:
    clock = Time()
    guesses = Guesses(clock.now)
    for _ in range(100):
        for _ in range(BY_PAIR - 1):
            guesses.failed(HERE, "a")
        assert not locked(guesses, HERE, "a")
        clock.at += WINDOW + 1


def test_after_a_quiet_day_an_address_is_as_good_as_new() -> None:
    clock = Time()
    guesses = Guesses(clock.now)
    for _ in range(2 * BY_PAIR):
        guesses.failed(HERE, "a")
    clock.at = FORGET + 1
    for _ in range(BY_PAIR):
        guesses.failed(HERE, "a")
    assert locked(guesses, HERE, "a") == LOCK


def test_s152_an_ipv6_customer_is_one_whatever_address_of_its_64_it_takes() -> None:
    guesses = Guesses(Time().now)
    for number in range(BY_ADDRESS):
        guesses.failed(f"2001:db8:1:2::{number:x}")
    assert locked(guesses, "2001:db8:1:2:ffff::1")
    assert locked(guesses, "2001:0DB8:0001:0002::1")
    assert not locked(guesses, "2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("address", "network"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::"), ("unix", "unix"), ("", "")],
)
def test_an_address_has_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_what_is_remembered_is_bounded() -> None:
    guesses = Guesses(Time().now)
    for number in range(MOST + 100):
        guesses.failed(f"address-{number}")
    assert len(guesses._tries) == MOST
