"""Which traces are kept, and that nobody can make it too many."""

from random import Random

from bff.observe.sampling import Sampler
from bff.testing import ManualClock


async def test_a_share_of_the_requests_that_begin_a_trace_is_sampled() -> None:
    sampler = Sampler(0.1, 1e9, draw=Random(7).random)
    assert 900 <= sum(sampler.head(None) for _ in range(10_000)) <= 1_100


async def test_a_client_is_heeded_whatever_the_share() -> None:
    assert Sampler(0.0, 10).head(True)
    assert not Sampler(1.0, 10).head(False)


async def test_a_client_that_marks_every_request_gets_no_more_than_the_cap() -> None:
    clock = ManualClock()
    sampler = Sampler(0.0, 50, clock=clock)
    assert sum(sampler.head(True) for _ in range(1_000)) == 50
    assert sampler.over == 950
    await clock.advance(0.5)
    assert sum(sampler.head(True) for _ in range(1_000)) == 25
    await clock.advance(60)
    assert sum(sampler.take() for _ in range(1_000)) == 50


async def test_less_than_one_a_second_is_one_in_more_seconds() -> None:
    clock = ManualClock()
    sampler = Sampler(1.0, 0.1, clock=clock)
    assert sum(sampler.head(None) for _ in range(100)) == 1
    await clock.advance(9.9)
    assert not sampler.take()
    await clock.advance(0.2)
    assert sampler.take()
