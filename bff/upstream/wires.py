"""Which wire a service's instances are spoken to by, and what its settings mean to that wire."""

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.service_settings import ServiceSettings
from bff.upstream.call import Wire
from bff.upstream.instances import MakeWire
from bff.upstream.pool import WireLimits
from bff.upstream.stats import InstanceStats
from bff.upstream.wire import Http1Wire
from bff.upstream.wire_grpc import GrpcWire
from bff.upstream.wire_httpx import HttpxWire


def wires(service: str, settings: ServiceSettings, clock: Clock = LOOP_CLOCK) -> MakeWire:
    """What makes the wire of one instance. It opens nothing before the first call."""
    limits = WireLimits(
        connect_timeout=settings.connect_timeout,
        first_byte_timeout=settings.first_byte_timeout,
        max_idle=settings.max_in_flight,
        max_connection_age=settings.max_connection_age,
        max_body=settings.max_body,
    )

    def make(endpoint: Endpoint, stats: InstanceStats) -> Wire:
        match settings.wire:
            case "http1":
                return Http1Wire(service, endpoint, stats, limits, clock=clock)
            case "httpx":
                return HttpxWire(service, endpoint, stats, limits, clock=clock)
            case "grpc":
                return GrpcWire(service, endpoint, stats, limits, clock=clock)

    return make
