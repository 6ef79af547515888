"""Which instance a call goes to: the shares of each policy over thousands of calls, with weights and without."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from bff.endpoint import Endpoint
from bff.upstream.call import Attempt, Call, Reply
from bff.upstream.choose import LeastConnections, LeastRequests, PeakEwma, Policy, RoundRobin
from bff.upstream.instances import Instance
from bff.upstream.peers import Peer
from bff.upstream.stats import InstanceStats
from tests.upstream.simulation import Simulation, takes

POLICIES = ["round_robin", "least_connections", "least_requests", "peak_ewma"]


class NoWire:
    async def send(self, call: Call, attempt: Attempt) -> Reply:
        raise AssertionError("only chosen, never called")

    async def close(self) -> None: ...


def peers(*shares: float) -> tuple[Peer, ...]:
    made = []
    for place, share in enumerate(shares):
        peer = Peer(Instance(Endpoint("http", f"h{place}", 80), NoWire(), InstanceStats(), 0.0))
        peer.share = share
        made.append(peer)
    return tuple(made)


def idle(policy: Policy, some: tuple[Peer, ...], calls: int = 10_000) -> Counter[str]:
    """Who gets how much of calls that come one after another."""
    return Counter(policy.choose(some, 1.0).name for _ in range(calls))


def made(name: str) -> Policy:
    draw = Random(3).random
    made: dict[str, Policy] = {
        "round_robin": RoundRobin(),
        "least_connections": LeastConnections(),
        "least_requests": LeastRequests(draw),
        "peak_ewma": PeakEwma(draw, 0.8),
    }
    return made[name]


@pytest.mark.parametrize("policy", POLICIES)
def test_five_idle_copies_get_a_fifth_each_within_a_hundredth(policy: str) -> None:
    met = idle(made(policy), peers(1, 1, 1, 1, 1))
    assert all(1900 <= met[f"h{place}:80"] <= 2100 for place in range(5))


@pytest.mark.parametrize("policy", POLICIES)
def test_weights_of_three_to_one_give_three_quarters_of_idle_copies(policy: str) -> None:
    assert 7300 <= idle(made(policy), peers(1.5, 0.5))["h0:80"] <= 7700


@pytest.mark.parametrize("policy", POLICIES)
def test_weights_of_three_to_one_give_three_quarters_under_load(policy: str) -> None:
    simulation = Simulation(
        {"a": takes(0.05), "b": takes(0.05)}, balance={"policy": policy, "weights": {"a:1": 3}, "slow_start": 0}
    )
    simulation.run(60, rate=200)
    assert 0.73 <= simulation.share("a") <= 0.77


@pytest.mark.parametrize("policy", POLICIES)
def test_five_equal_copies_get_a_fifth_each_under_load(policy: str) -> None:
    simulation = Simulation(dict.fromkeys("abcde", takes(0.05)), balance={"policy": policy})
    simulation.run(60, rate=200)
    spread = 0.01 if policy != "peak_ewma" else 0.03  # latency is what it goes by, and that is never quite equal
    assert all(abs(simulation.share(name) - 0.2) <= spread for name in "abcde")


def test_round_robin_of_unequal_ones_does_not_come_in_bursts() -> None:
    policy, some = RoundRobin(), peers(3, 1)
    order = [policy.choose(some, 0.0).name for _ in range(40)]
    assert order[:8] == ["h0:80", "h0:80", "h1:80", "h0:80"] * 2
    assert not any(one == other == "h1:80" for one, other in pairwise(order))


def test_round_robin_of_equal_ones_takes_turns() -> None:
    policy, some = RoundRobin(), peers(1, 1, 1)
    assert [policy.choose(some, 0.0).name for _ in range(6)] == ["h0:80", "h1:80", "h2:80"] * 2


@pytest.mark.parametrize("shares", [(1, 1, 1), (1.2, 0.9, 0.9)], ids=["even", "weighted"])
def test_least_connections_never_goes_behind_a_busy_copy_while_one_is_idle(shares: tuple[float, ...]) -> None:
    chance, policy, some = Random(5), LeastConnections(), peers(*shares)
    for _ in range(1000):
        for peer in some:
            peer.stats.in_flight = chance.choice((0, 1, 5))
        chosen = policy.choose(some, 0.0)
        assert chosen.stats.in_flight / chosen.share == min(peer.stats.in_flight / peer.share for peer in some)


def test_least_requests_never_takes_the_busier_of_two() -> None:
    policy, some = LeastRequests(Random(5).random), peers(1, 1)
    some[0].stats.in_flight = 1
    assert idle(policy, some, 1000) == {"h1:80": 1000}


def test_least_requests_shuns_the_busiest_of_many() -> None:
    policy, some = LeastRequests(Random(5).random), peers(*[1.0] * 10)
    some[3].stats.in_flight = 1
    assert idle(policy, some)["h3:80"] == 0  # whoever is drawn beside it is less busy


def test_peak_ewma_leaves_a_slow_one_at_its_first_slow_answer_and_tries_it_again_later() -> None:
    policy, some = PeakEwma(Random(5).random, 0.8), peers(1, 1)
    slow, quick = some
    for peer in some:
        policy.observe(peer, 0.01, "good", 10.0)
    policy.observe(slow, 0.1, "good", 10.1)
    assert idle_at(policy, some, 10.2) == {quick.name}
    policy.observe(quick, 0.01, "good", 40.0)
    assert idle_at(policy, some, 40.0) == {slow.name}  # 0.1 s have faded to a half of 0.01 s: worth one look


def idle_at(policy: PeakEwma, some: tuple[Peer, ...], now: float) -> set[str]:
    return {policy.choose(some, now).name for _ in range(100)}


def test_peak_ewma_finds_one_that_fails_fast_dear() -> None:
    policy, some = PeakEwma(Random(5).random, 0.8), peers(1, 1)
    failing, well = some
    for beat in range(20):
        policy.observe(failing, 0.0005, "bad", 10 + beat * 0.01)
        policy.observe(well, 0.01, "good", 10 + beat * 0.01)
    assert idle_at(policy, some, 10.2) == {well.name}


def test_peak_ewma_forgives_one_failure_among_many_answers() -> None:
    policy, some = PeakEwma(Random(5).random, 0.8), peers(1, 1)
    for beat in range(1000):
        for peer in some:
            policy.observe(peer, 0.01, "good", 10 + beat * 0.001)
    policy.observe(some[0], 0.001, "bad", 11.0)
    assert idle_at(policy, some, 11.0) == {some[0].name, some[1].name}


def test_peak_ewma_learns_from_a_call_that_was_cut_that_it_took_so_long_at_least() -> None:
    policy, some = PeakEwma(Random(5).random, 0.8), peers(1, 1)
    for peer in some:
        policy.observe(peer, 0.01, "good", 10.0)
    policy.observe(some[0], 0.3, "neutral", 10.3)
    assert idle_at(policy, some, 10.3) == {some[1].name}
    policy.observe(some[1], 0.0001, "neutral", 10.3)  # a 404, or cut at once: no news
    assert some[1].cost == 0.01


def test_peak_ewma_sends_one_call_to_find_out_about_one_that_it_never_heard_of() -> None:
    policy, some = PeakEwma(Random(5).random, 0.8), peers(1, 1)
    policy.observe(some[0], 0.01, "good", 10.0)
    assert idle_at(policy, some, 10.0) == {some[1].name}
    some[1].stats.in_flight = 1
    assert idle_at(policy, some, 10.0) == {some[0].name}
