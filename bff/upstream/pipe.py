"""The way of a call, whole on this page: what stands between a client and a backend, outermost first.

    client -> wire

The wire caps the calls in flight, holds the deadline over connect, send and body, and keeps the connections. The
layers of the resilience pipe (HTTP cache, coalesce, retry and hedge, breaker, bulkhead, balance) have the same shape,
`send(Call) -> Reply`, and go between the two, here and nowhere else.
"""

from dataclasses import asdict

from bff.settings import ServiceSettings
from bff.upstream.client import Service
from bff.upstream.pool import WireLimits
from bff.upstream.wire import Http1Wire
from bff.upstream.wire_grpc import GrpcWire
from bff.upstream.wire_httpx import HttpxWire


def service(name: str, settings: ServiceSettings) -> Service:
    """A service ready to be called, as bff.toml describes it."""
    match settings.wire:
        case "http1":
            http1 = Http1Wire(name, settings.instances, _limits(settings))
            return Service(name, http1, settings.timeout, lambda: asdict(http1.stats()))
        case "httpx":
            httpx = HttpxWire(
                name,
                settings.instances,
                max_in_flight=settings.max_in_flight,
                max_body=settings.max_body,
                connect_timeout=settings.connect_timeout,
            )
            return Service(name, httpx, settings.timeout, lambda: {"in_flight": httpx.in_flight})
        case "grpc":
            grpc = GrpcWire(name, settings.instances, max_in_flight=settings.max_in_flight, max_body=settings.max_body)
            return Service(name, grpc, settings.timeout, lambda: {"in_flight": grpc.in_flight})


def _limits(settings: ServiceSettings) -> WireLimits:
    return WireLimits(
        connect_timeout=settings.connect_timeout,
        first_byte_timeout=settings.first_byte_timeout,
        max_in_flight=settings.max_in_flight,
        max_idle=settings.max_in_flight,
        max_body=settings.max_body,
    )
