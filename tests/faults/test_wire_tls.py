"""TLS to backends: who is trusted, under which name, who we say we are, and what a cut handshake leaves behind."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bff.deadline import Deadline
from bff.endpoint import Endpoint
from bff.errors import BackendError, BackendInvalid, BackendTimeout, BackendUnreachable
from bff.testing.stub import Fault, StubService
from bff.upstream.call import Call
from bff.upstream.stats import InstanceStats
from bff.upstream.wire import Http1Wire, WireLimits
from bff.upstream.wire_grpc import GrpcWire
from bff.upstream.wire_httpx import HttpxWire
from tests.upstream.one_wire import OneWire


class Authority:
    """A certificate authority that lives for one test run."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key, x509.BasicConstraints(ca=True, path_length=None), [])
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Path:
        """A certificate with its key, in one file, for a DNS name or an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            known: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            known = x509.DNSName(name)
        certificate = self._sign(name, key, x509.BasicConstraints(ca=False, path_length=None), [known])
        path = self._folder / f"{self._name}-{name}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return path

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        constraints: x509.BasicConstraints,
        known_as: list[x509.GeneralName],
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(constraints, critical=True)
        )
        if known_as:
            builder = builder.add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "strange")


@asynccontextmanager
async def backend(certificate: Path, clients: Authority | None = None) -> AsyncIterator[StubService]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.load_verify_locations(clients.path)
        context.verify_mode = ssl.CERT_REQUIRED
    stub = StubService({"/": {"name": "Ada"}})
    await stub.start(tls=context)
    async with stub:
        yield stub


def wire_to(
    stub: StubService, trusted: Authority, client: Path | None = None, *, host: str = "127.0.0.1", named: str = ""
) -> OneWire:
    context = ssl.create_default_context(cafile=str(trusted.path))
    if client is not None:
        context.load_cert_chain(client)
    return one_wire(Endpoint("https", host, stub.port, server_name=named), context, 5)


def one_wire(endpoint: Endpoint, context: ssl.SSLContext, connect_timeout: float) -> OneWire:
    stats = InstanceStats()
    return OneWire(Http1Wire("users", endpoint, stats, WireLimits(connect_timeout=connect_timeout), tls=context), stats)


def call(seconds: float = 5.0) -> Call:
    return Call("users", "GET", "/", Deadline.after(seconds))


async def test_a_trusted_backend_is_called_over_one_kept_connection(authority: Authority) -> None:
    async with backend(authority.issue("127.0.0.1")) as stub:
        wire = wire_to(stub, authority)
        assert [(await wire.send(call())).body for _ in range(3)] == [b'{"name":"Ada"}'] * 3
        assert (stub.counters.connections, wire.stats.idle) == (1, 1)
        await wire.close()
        assert wire.stats.closed == 1


async def test_a_backend_of_another_authority_is_refused(authority: Authority, stranger: Authority) -> None:
    async with backend(stranger.issue("127.0.0.1")) as stub:
        wire = wire_to(stub, authority)
        with pytest.raises(BackendUnreachable, match="certificate"):
            await wire.send(call())
        assert stub.counters.calls == 0
        assert (wire.stats.connecting, wire.stats.opened) == (0, 0)


async def test_a_backend_under_another_name_is_refused(authority: Authority) -> None:
    async with backend(authority.issue("orders.internal")) as stub:
        with pytest.raises(BackendUnreachable, match="certificate"):
            await wire_to(stub, authority).send(call())
        assert stub.counters.calls == 0


async def test_a_backend_found_by_its_name_is_held_to_that_name(authority: Authority) -> None:
    async with backend(authority.issue("orders.internal")) as stub:
        wire = wire_to(stub, authority, named="orders.internal")
        assert (await wire.send(call())).status == 200
        assert stub.seen[0].headers["host"] == f"orders.internal:{stub.port}"
        assert wire.stats.written == 1
        await wire.close()


@pytest.mark.parametrize("named", ["orders.internal", "users.internal"])
async def test_over_httpx_too(authority: Authority, named: str) -> None:
    async with backend(authority.issue("orders.internal")) as stub:
        endpoint = Endpoint("https", "127.0.0.1", stub.port, server_name=named)
        context, stats = ssl.create_default_context(cafile=str(authority.path)), InstanceStats()
        wire = OneWire(HttpxWire("users", endpoint, stats, WireLimits(connect_timeout=5), tls=context), stats)
        if named == "orders.internal":
            assert (await wire.send(call())).status == 200
        else:
            with pytest.raises(BackendUnreachable, match="certificate"):
                await wire.send(call())
        await wire.close()


@pytest.mark.parametrize("named", ["orders.internal", "users.internal"])
async def test_over_grpc_too(authority: Authority, named: str) -> None:
    async def echo(request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        return request

    pem = authority.issue("orders.internal").read_bytes()
    server = grpc.aio.server()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("v1.Echo", {"Say": handler})])
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pem, pem)]))
    await server.start()
    trusted, stats = grpc.ssl_channel_credentials(authority.path.read_bytes()), InstanceStats()
    wire = OneWire(GrpcWire("echo", Endpoint("https", "127.0.0.1", port, server_name=named), stats, credentials=trusted), stats)
    said = Call("echo", "POST", "/v1.Echo/Say", Deadline.after(5), body=b"hi")
    if named == "orders.internal":
        assert (await wire.send(said)).body == b"hi"
    else:
        with pytest.raises(BackendUnreachable):
            await wire.send(said)
    await wire.close()
    await server.stop(None)


async def test_our_certificate_is_shown_to_a_backend_that_asks(authority: Authority, stranger: Authority) -> None:
    async with backend(authority.issue("localhost"), clients=stranger) as stub:
        wire = wire_to(stub, authority, stranger.issue("bff"), host="localhost")
        assert (await wire.send(call())).status == 200
        await wire.close()
        without = wire_to(stub, authority, host="localhost")
        with pytest.raises(BackendUnreachable):
            await without.send(call())
        await without.close()
        assert stub.counters.calls == 1


async def test_a_context_that_does_not_verify_is_refused(authority: Authority) -> None:
    blind = ssl.create_default_context()
    blind.check_hostname = False
    with pytest.raises(ValueError, match="does not verify"):
        one_wire(Endpoint.of("https://127.0.0.1:1"), blind, 5)


async def test_a_plain_port_is_unreachable_by_tls(authority: Authority) -> None:
    async with StubService({}) as stub:
        with pytest.raises(BackendUnreachable):
            await wire_to(stub, authority).send(call())


async def test_an_answer_to_the_end_of_the_connection_is_refused(authority: Authority) -> None:
    """Over TLS the loops tell a cut connection as they tell an ended one: such a body could be any part of itself."""
    async with backend(authority.issue("127.0.0.1")) as stub:
        stub.fault = Fault("raw", raw=b"HTTP/1.1 200 OK\r\n\r\nabc")
        wire = wire_to(stub, authority)
        with pytest.raises(BackendInvalid, match="length"):
            await wire.send(call())
        await wire.close()


async def test_a_handshake_that_hangs_or_is_cancelled_leaves_nothing(authority: Authority) -> None:
    reached = asyncio.Event()
    gone = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        reached.set()
        while await reader.read(65536):
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    context = ssl.create_default_context(cafile=str(authority.path))
    port = server.sockets[0].getsockname()[1]
    wire = one_wire(Endpoint.of(f"https://127.0.0.1:{port}"), context, 0.1)

    with pytest.raises(BackendTimeout, match="no connection"):
        await wire.send(call())
    async with asyncio.timeout(1):
        await gone.wait()

    reached.clear()
    gone.clear()
    sending = asyncio.create_task(wire.send(call()))
    await reached.wait()
    sending.cancel()
    await asyncio.wait([sending])
    assert sending.cancelled()
    async with asyncio.timeout(1):
        await gone.wait()
    assert (wire.stats.connecting, wire.stats.opened) == (0, 0)
    server.close()


async def test_after_a_storm_of_cancels_the_pool_is_whole(authority: Authority) -> None:
    async with backend(authority.issue("127.0.0.1")) as stub:
        wire = wire_to(stub, authority)
        loop = asyncio.get_running_loop()
        for wave in range(15):
            tasks = [loop.create_task(wire.send(call())) for _ in range(10)]
            for place, task in enumerate(tasks[::2]):
                loop.call_later(0.001 * (wave + place), task.cancel)
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                assert not isinstance(ended, BackendError)
        assert [(await wire.send(call())).status for _ in range(20)] == [200] * 20
        await wire.close()
        await stub.wait_for(lambda: stub.counters.open_connections == 0)
        assert wire.stats.opened == wire.stats.closed
