"""The admin listener answers to names that no stranger can have."""

import pytest

from bff.server.near import is_near


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8001", "[::1]:8001", "10.0.0.7", "localhost:8001", "bff:8001", "Thali.Local", "a.b.svc:8001", "x.internal."],
)
def test_an_address_and_a_name_of_ones_own_network_are_near(host: str) -> None:
    assert is_near({"headers": [(b"host", host.encode())]})


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8001", "local.example", "a@localhost.example", ""])
def test_a_name_that_anybody_can_have_is_not(host: str) -> None:
    assert not is_near({"headers": [(b"host", host.encode())]})


def test_who_names_nobody_is_no_browser() -> None:
    assert is_near({"headers": []})
