"""Instances from DNS answers: of both families, by priority and weight, and what an answer that fails may take away."""

import asyncio
from collections.abc import Callable

import pytest

from bff.endpoint import Endpoint
from bff.testing.clock import ManualClock
from bff.upstream.discover_dns import AddressLook, Family, ServiceLook, Target, has_route
from bff.upstream.discover_watch import NothingFound, Watch
from bff.upstream.stats import ServiceStats


class FakeResolver:
    """Answers by name and type; what is a text fails with it, and what is not there is NXDOMAIN."""

    def __init__(self) -> None:
        self.a: dict[str, list[str] | str] = {}
        self.aaaa: dict[str, list[str] | str] = {}
        self.srv: list[Target] | str = []
        self.good = 30.0
        self.at_once = self.most = 0

    async def addresses(self, name: str, family: Family) -> tuple[list[str], float]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = (self.a if family == "A" else self.aaaa).get(name, "NXDOMAIN")
        if isinstance(answer, str):
            raise NothingFound(f"{name}: {answer}")
        return answer, self.good

    async def targets(self, name: str) -> tuple[list[Target], float]:
        await asyncio.sleep(0)
        if isinstance(self.srv, str):
            raise NothingFound(f"{name}: {self.srv}")
        return self.srv, self.good


@pytest.fixture
def dns() -> FakeResolver:
    return FakeResolver()


def everywhere(address: str) -> bool:
    return True


def addresses(dns: FakeResolver, routed: Callable[[str], bool] = everywhere) -> AddressLook:
    return AddressLook("users.internal", 8080, "http", 5.0, dns, routed)


def service(dns: FakeResolver, routed: Callable[[str], bool] = everywhere) -> ServiceLook:
    return ServiceLook("_http._tcp.users.internal", "http", 5.0, dns, routed)


async def test_every_address_is_an_instance_that_goes_by_the_name(dns: FakeResolver) -> None:
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.2", "10.0.0.1"], ["fd00::1"]
    seen = await addresses(dns)()
    assert seen.endpoints == tuple(
        Endpoint("http", address, 8080, server_name="users.internal") for address in ("10.0.0.1", "10.0.0.2", "fd00::1")
    )
    assert {endpoint.authority for endpoint in seen.endpoints} == {"users.internal:8080"}


async def test_a_turned_answer_is_the_same_list(dns: FakeResolver) -> None:
    look = addresses(dns)
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1", "10.0.0.2"], []
    before = await look()
    dns.a["users.internal"] = ["10.0.0.2", "10.0.0.1"]
    assert await look() == before


@pytest.mark.parametrize(("good", "again"), [(0.0, 1.0), (3.0, 3.0), (300.0, 5.0)])
async def test_it_looks_again_when_the_record_ends_within_bounds(good: float, again: float, dns: FakeResolver) -> None:
    dns.a["users.internal"], dns.aaaa["users.internal"], dns.good = ["10.0.0.1"], [], good
    dns.srv = [Target("a.internal", 80, addresses=("10.0.0.1",))]
    assert (await addresses(dns)()).again == again
    assert (await service(dns)()).again == again


@pytest.mark.parametrize("failure", ["NXDOMAIN", "SERVFAIL", []], ids=str)
async def test_an_answer_without_addresses_tells_nothing(failure: str | list[str], dns: FakeResolver) -> None:
    look = addresses(dns)
    dns.a["users.internal"], dns.aaaa["users.internal"] = failure, failure
    with pytest.raises(NothingFound, match=r"users\.internal"):
        await look()


async def test_a_server_that_fails_on_the_other_family_is_lived_with(dns: FakeResolver) -> None:
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1"], "SERVFAIL"
    assert len((await addresses(dns)()).endpoints) == 1


async def test_a_family_that_had_addresses_has_lost_none_by_failing(dns: FakeResolver) -> None:
    look = addresses(dns)
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1"], ["fd00::1"]
    await look()
    dns.a["users.internal"] = "SERVFAIL"
    with pytest.raises(NothingFound, match="SERVFAIL"):
        await look()
    dns.a["users.internal"] = []
    assert [endpoint.host for endpoint in (await look()).endpoints] == ["fd00::1"]


async def test_a_family_without_a_route_is_left_out_unless_there_is_no_other(dns: FakeResolver) -> None:
    def only_v4(address: str) -> bool:
        return ":" not in address

    look = addresses(dns, only_v4)
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1"], ["fd00::1"]
    assert [endpoint.host for endpoint in (await look()).endpoints] == ["10.0.0.1"]
    dns.a["users.internal"] = []
    assert [endpoint.host for endpoint in (await look()).endpoints] == ["fd00::1"]


async def test_where_no_family_has_a_route_all_are_kept_until_the_network_is_back(dns: FakeResolver) -> None:
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1"], ["fd00::1"]
    assert len((await addresses(dns, lambda address: False)()).endpoints) == 2


def test_this_machine_has_a_route_to_itself_and_none_to_a_link_that_is_not_named() -> None:
    assert has_route("127.0.0.1")
    assert not has_route("fe80::1")


async def test_targets_of_the_lowest_priority_are_called_by_their_weights(dns: FakeResolver) -> None:
    dns.srv = [
        Target("b.internal.", 81, 1, 30, ("10.0.0.2",)),
        Target("a.internal.", 80, 1, 0, ("10.0.0.1",)),
        Target("spare.internal.", 80, 2, 50, ("10.0.0.9",)),
    ]
    assert (await service(dns)()).endpoints == (
        Endpoint("http", "10.0.0.1", 80, 1, "users.internal"),
        Endpoint("http", "10.0.0.2", 81, 30, "users.internal"),
    )


async def test_a_record_without_a_port_does_not_hide_the_others(dns: FakeResolver) -> None:
    dns.srv = [Target("a.internal.", 0, 0, 1, ("10.0.0.1",)), Target("b.internal.", 80, 1, 1, ("10.0.0.2",))]
    assert [endpoint.host for endpoint in (await service(dns)()).endpoints] == ["10.0.0.2"]


async def test_targets_that_came_without_addresses_are_looked_up_a_few_at_once(dns: FakeResolver) -> None:
    dns.srv = [Target(f"{n:03}.internal.", 80) for n in range(100)]
    for n in range(100):
        dns.a[f"{n:03}.internal."], dns.aaaa[f"{n:03}.internal."] = [f"10.0.0.{n}"], []
    seen = await service(dns)()
    assert len(seen.endpoints) == 100
    assert not seen.trouble
    assert dns.most <= 20  # ten names, two families each


async def test_a_target_whose_addresses_fail_keeps_those_it_had_and_holds_up_nobody(dns: FakeResolver) -> None:
    look = service(dns)
    dns.srv = [Target("a.internal.", 80), Target("b.internal.", 80, addresses=("10.0.0.2",))]
    dns.a["a.internal."], dns.aaaa["a.internal."] = ["10.0.0.1"], []
    await look()
    dns.a["a.internal."] = dns.aaaa["a.internal."] = "SERVFAIL"
    dns.srv = [Target("a.internal.", 80), Target("c.internal.", 80, addresses=("10.0.0.3",)), Target("new.internal.", 80)]
    seen = await look()
    assert [endpoint.host for endpoint in seen.endpoints] == ["10.0.0.1", "10.0.0.3"]
    assert "SERVFAIL" in seen.trouble


async def test_a_target_that_left_is_forgotten_with_its_addresses(dns: FakeResolver) -> None:
    look = service(dns)
    dns.srv = [Target("a.internal.", 80, addresses=("10.0.0.1",))]
    await look()
    dns.srv = [Target("b.internal.", 80, addresses=("10.0.0.2",))]
    await look()
    dns.srv = [Target("a.internal.", 80), Target("b.internal.", 80, addresses=("10.0.0.2",))]
    assert [endpoint.host for endpoint in (await look()).endpoints] == ["10.0.0.2"]


@pytest.mark.parametrize(
    "srv", ["NXDOMAIN", [], [Target(".", 80, addresses=("10.0.0.1",))], [Target("a.internal.", 80)]], ids=str
)
async def test_a_service_without_targets_tells_nothing(srv: list[Target] | str, dns: FakeResolver) -> None:
    """Nobody, "decidedly not here" (RFC 2782), or a target without addresses."""
    dns.srv = srv
    with pytest.raises(NothingFound):
        await service(dns)()


async def test_five_minutes_of_dns_failures_take_no_instance_away(dns: FakeResolver) -> None:
    """F22."""
    clock, stats = ManualClock(), ServiceStats()
    found: list[object] = []
    dns.a["users.internal"], dns.aaaa["users.internal"] = ["10.0.0.1", "10.0.0.2"], []
    watch = Watch("users", addresses(dns), 5.0, stats, clock)
    watch.start(found.append)
    await clock.advance(10)
    for failure in ("SERVFAIL", "NXDOMAIN", "no answer in time"):
        dns.a["users.internal"] = dns.aaaa["users.internal"] = failure
        await clock.advance(100)
    dns.a["users.internal"] = dns.aaaa["users.internal"] = []
    await clock.advance(100)
    assert len(found) == 1
    assert stats.discovery_failed == 80
    dns.a["users.internal"] = ["10.0.0.3"]
    await clock.advance(5)
    assert found[1:] == [(Endpoint("http", "10.0.0.3", 8080, server_name="users.internal"),)]
    await watch.close()
