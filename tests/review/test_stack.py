"""What the gateway's frame owes the operator."""

from bff.testing import Fault
from tests.gateway.kit import bearer, gateway


async def test_the_line_of_a_screen_that_failed_names_the_section_it_could_not_live_without() -> None:
    async with gateway() as kit:
        kit.stub.faults["/names/head"] = Fault("status", status=503)
        reply = await kit.ask("/shop/v1/home", headers=bearer())
        assert reply.status == 502
        assert kit.line["sections"] == {"name": {"status": "unavailable", "reason": "status 503", "service": "users"}}


async def test_a_path_of_bytes_that_could_be_read_in_two_ways_is_refused() -> None:
    """Latin-1 or UTF-8: RFC 3986 knows neither, a path is ASCII."""
    async with gateway() as kit:
        reply = await kit.ask("/shop/v1/items/\xe9")
        assert (reply.status, kit.stub.counters.calls) == (400, 0)
