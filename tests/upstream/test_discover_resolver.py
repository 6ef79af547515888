"""Asking a real DNS server: dnsmasq, with records as a name server, a Consul agent and Kubernetes serve them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from bff.endpoint import Endpoint
from bff.upstream.discover_dns import AddressLook, ServiceLook, Target
from bff.upstream.discover_resolver import DnsResolver
from bff.upstream.discover_watch import NothingFound
from tests.upstream.dnsmasq import Dnsmasq, dnsmasq


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Dnsmasq]:
    async with dnsmasq(tmp_path) as server:
        yield server


async def test_addresses_of_both_families_and_how_long_they_are_good(server: Dnsmasq) -> None:
    await server.serve(
        "host-record=users.internal,10.0.0.1,fd00::1",
        "host-record=users.internal,10.0.0.2",
        "host-record=v4.internal,10.0.0.3",
        ttl=7,
    )
    resolver = DnsResolver(server.address)
    found, good = await resolver.addresses("users.internal", "A")
    assert sorted(found) == ["10.0.0.1", "10.0.0.2"]
    assert good == 7
    assert (await resolver.addresses("users.internal", "AAAA"))[0] == ["fd00::1"]
    assert (await resolver.addresses("v4.internal", "AAAA"))[0] == []


async def test_an_alias_is_followed(server: Dnsmasq) -> None:
    await server.serve("host-record=a.internal,10.0.0.1", "cname=users.internal,a.internal")
    assert (await DnsResolver(server.address).addresses("users.internal", "A"))[0] == ["10.0.0.1"]


async def test_a_consul_agent_brings_the_addresses_along(server: Dnsmasq) -> None:
    """`users.service.consul`: targets are node addresses, which stand in the additional section."""
    await server.serve(
        "srv-host=users.service.consul,0a000001.addr.dc1.consul,8080,1,3",
        "srv-host=users.service.consul,0a000002.addr.dc1.consul,8081,1,1",
        "host-record=0a000001.addr.dc1.consul,10.0.0.1",
        "host-record=0a000002.addr.dc1.consul,10.0.0.2",
    )
    resolver = DnsResolver(server.address)
    targets, _ = await resolver.targets("users.service.consul")
    assert sorted(targets, key=lambda one: one.port) == [
        Target("0a000001.addr.dc1.consul.", 8080, 1, 3, ("10.0.0.1",)),
        Target("0a000002.addr.dc1.consul.", 8081, 1, 1, ("10.0.0.2",)),
    ]
    assert (await ServiceLook("users.service.consul", "http", 5.0, resolver)()).endpoints == (
        Endpoint("http", "10.0.0.1", 8080, 3, "users.service.consul"),
        Endpoint("http", "10.0.0.2", 8081, 1, "users.service.consul"),
    )


async def test_a_kubernetes_headless_service_names_its_pods(server: Dnsmasq) -> None:
    """`_http._tcp.users.shop.svc.cluster.local`: one target a pod, weights alike, priority 0."""
    pods = {f"10-0-0-{n}.users.shop.svc.cluster.local": f"10.0.0.{n}" for n in range(1, 31)}
    await server.serve(
        *(f"srv-host=_http._tcp.users.shop.svc.cluster.local,{pod},8080,0,3" for pod in pods),
        *(f"host-record={pod},{address}" for pod, address in pods.items()),
    )
    look = ServiceLook("_http._tcp.users.shop.svc.cluster.local", "http", 5.0, DnsResolver(server.address))
    seen = await look()
    assert {endpoint.host for endpoint in seen.endpoints} == set(pods.values())
    assert {endpoint.authority for endpoint in seen.endpoints} == {"users.shop.svc.cluster.local:8080"}


async def test_a_target_elsewhere_is_looked_up(server: Dnsmasq) -> None:
    """An answer without an additional section, as a cache serves it."""
    await server.serve(
        "srv-host=users.internal,a.internal,8080", "cname=a.internal,b.internal", "host-record=b.internal,10.0.0.1"
    )
    seen = await ServiceLook("users.internal", "http", 5.0, DnsResolver(server.address))()
    assert [endpoint.host for endpoint in seen.endpoints] == ["10.0.0.1"]


async def test_a_name_that_is_not_there_tells_nothing(server: Dnsmasq) -> None:
    await server.serve()
    resolver = DnsResolver(server.address)
    with pytest.raises(NothingFound, match=r"A users\.internal: there is no such name"):
        await resolver.addresses("users.internal", "A")
    with pytest.raises(NothingFound, match="SRV"):
        await resolver.targets("_http._tcp.users.internal")


class UdpServer(asyncio.DatagramProtocol):
    """A server that refuses TCP, and over UDP answers with `rcode`, or with an address, or not at all."""

    def __init__(self, rcode: dns.rcode.Rcode | None) -> None:
        self._rcode = rcode
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> str:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self._transport = transport
        return f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._rcode is None or self._transport is None:
            return
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.set_rcode(self._rcode)
        if not self._rcode:
            reply.answer = [dns.rrset.from_text(query.question[0].name, 9, "IN", "A", "10.0.0.1")]
        self._transport.sendto(reply.to_wire(), addr)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def test_where_tcp_is_refused_udp_is_asked() -> None:
    server = UdpServer(dns.rcode.NOERROR)
    found = await DnsResolver(await server.start()).addresses("users.internal", "A")
    server.close()
    assert found == (["10.0.0.1"], 9)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, None], ids=str)
async def test_a_server_that_fails_or_is_silent_tells_nothing_in_time(rcode: dns.rcode.Rcode | None) -> None:
    server = UdpServer(rcode)
    look = AddressLook("users.internal", 80, "http", 5.0, DnsResolver(await server.start()))
    async with asyncio.timeout(4):
        with pytest.raises(NothingFound, match=r"A users\.internal: "):
            await look()
    server.close()


async def test_a_server_that_is_down_tells_nothing_in_time(server: Dnsmasq) -> None:
    async with asyncio.timeout(4):
        with pytest.raises(NothingFound):
            await DnsResolver(server.address).targets("users.internal")


async def test_the_system_s_servers_are_read_when_they_are_first_asked(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    resolver = DnsResolver(resolv_conf=str(file))
    with pytest.raises(NothingFound, match=r"resolv\.conf: "):
        await resolver.addresses("users.internal", "A")
    _write(file, "nameserver 127.0.0.1\nsearch shop.internal\noptions ndots:5\n")
    servers = resolver._servers()
    assert servers.nameservers == ["127.0.0.1"]
    assert servers._get_qnames_to_try(dns.name.from_text("users", None), True)[0].to_text() == "users.shop.internal."


def _write(file: Path, text: str) -> None:
    file.write_text(text)
