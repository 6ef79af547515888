"""What one service may cost and how it is guarded: [services.NAME] of bff.toml, every default safe and with its reason.

Sources of the numbers: shared reliability notes after Envoy, resilience4j, Hystrix, Finagle, gRPC A6 and AWS.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, PositiveInt, field_validator, model_validator

from bff.endpoint import Endpoint
from bff.part import Part


class DiscoverSettings(Part):
    """Where a service's instances are found, when they are not listed in `instances`."""

    kind: Literal["file", "dns", "srv"] = Field(
        description="file: a TOML list, watched; dns: A and AAAA records of `name`; "
        "srv: SRV records, as Consul and Kubernetes serve"
    )
    name: str = Field(min_length=1, description="the file's path, host:port, or the SRV name (_http._tcp.users.internal)")
    scheme: Literal["http", "https"] = Field(default="http", description="how its instances are spoken to")
    every: float = Field(
        default=5.0, gt=0, description="seconds between looks: a move is followed in 10 s, DNS is asked little"
    )
    nameserver: str | None = Field(default=None, description="address:port of a DNS server; none: those of the system")

    @model_validator(mode="after")
    def _can_find(self) -> "DiscoverSettings":
        """What could find nothing whatever the answers is told at start, not as a service that nobody can reach."""
        if self.kind == "file" and self.model_fields_set & {"scheme", "nameserver"}:
            raise ValueError("scheme and nameserver are not for kind = 'file', whose instances are whole URLs; take them out")
        if self.kind == "dns" and not _is_host_port(self.name):
            raise ValueError(f"name = {self.name!r} is no host:port, as kind = 'dns' wants it")
        if self.kind == "srv" and not _is_service(self.name):
            raise ValueError(f"name = {self.name!r} is no SRV name; write _http._tcp.users.internal or users.service.consul")
        if self.nameserver is not None and not _is_address_port(self.nameserver):
            raise ValueError(f"nameserver = {self.nameserver!r} is no address:port; a name would have to be resolved first")
        return self


class BalanceSettings(Part):
    """Which instance a call goes to."""

    policy: Literal["round_robin", "least_connections", "least_requests", "peak_ewma"] = Field(
        default="peak_ewma",
        description="peak_ewma: the better of two drawn, by latency and load, so a copy that is slow without failing is left "
        "(under 1 % of calls go to one ten times as slow, 9 % by load alone); least_requests: the less busy of two drawn; "
        "least_connections: the least busy of all, exact; round_robin: each in its turn",
    )
    weights: dict[str, PositiveInt] = Field(
        default={}, description='host:port to its share of calls, for example {"10.0.0.7:8080" = 3}'
    )
    slow_start: float = Field(default=10.0, ge=0, description="seconds in which a new instance's share grows: caches are cold")
    panic: float = Field(
        default=0.5, ge=0, le=1, description="below this share of well instances all are called: the checks are likelier wrong"
    )


class HealthSettings(Part):
    """Active checks; off without a path."""

    path: str | None = Field(
        default=None, pattern=r"^/[!\"$-~]*$", description="GET here must give 2xx; none: no active checks"
    )
    every: float = Field(default=5.0, gt=0, description="seconds between checks of an instance")
    timeout: float = Field(default=1.0, gt=0, description="seconds until a check counts as failed")
    unhealthy_after: int = Field(default=3, ge=1, description="failed checks in a row: one may be a blip")
    healthy_after: int = Field(default=2, ge=1, description="good checks in a row before it is called again")


class EjectSettings(Part):
    """Passive outlier ejection by what calls themselves tell (Envoy's rules)."""

    on: bool = Field(default=True, description="false: an instance is called whatever its calls tell")
    consecutive: int = Field(default=5, ge=1, description="bad attempts in a row (Envoy's default)")
    failure_share: float = Field(default=0.85, gt=0, le=1, description="of an instance's attempts in `sweep`, from 50 on")
    sweep: float = Field(default=10.0, gt=0, description="seconds between looks at shares")
    base: float = Field(default=30.0, gt=0, description="seconds out, times how often it was ejected")
    max: float = Field(default=300.0, gt=0, description="the longest that an instance is out")
    max_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="of the instances may be out at once, always at least one where there are two or more",
    )


class BulkheadSettings(Part):
    """How many calls may be under way; `max_in_flight` stands beside it."""

    queue: int = Field(default=10, ge=0, description="calls that may wait for a place; more would only wait for nothing")
    wait: float = Field(
        default=0.05, ge=0, description="seconds a call waits at most, and never over a quarter of what is left"
    )
    adaptive: bool = Field(default=False, description="let the limit follow the service's latency (Netflix gradient2)")
    min_limit: int = Field(default=20, ge=1, description="adaptive: never below")


class BreakerSettings(Part):
    """When a service is left alone for a while."""

    on: bool = Field(default=True, description="false: the service is called however much fails")
    window: float = Field(default=10.0, gt=0, description="seconds that are looked back on (Hystrix)")
    calls: int = Field(default=20, ge=1, description="in the window before it may open: fewer tell too little")
    failure_rate: float = Field(default=0.5, gt=0, le=1, description="share of bad calls that opens it")
    slow_after: float | None = Field(default=None, gt=0, description="seconds from which a good call is slow; none: never")
    slow_rate: float = Field(default=0.5, gt=0, le=1, description="share of slow calls that opens it")
    open_for: float = Field(default=5.0, gt=0, description="seconds until the first trial")
    growth: float = Field(default=2.0, ge=1, description="times longer after each trial that failed; 1: fixed")
    open_max: float = Field(default=60.0, gt=0, description="the longest pause, before its jitter")
    jitter: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share by which a pause varies, so that a fleet does not try in step; with 0.2 one service in sixteen "
        "would be closed again later than 10 s after an outage of 30 s (F12)",
    )
    trials: int = Field(default=3, ge=1, description="calls that may try it at once; all must be good for it to close")

    @model_validator(mode="after")
    def _pauses_grow(self) -> "BreakerSettings":
        if self.open_max < self.open_for:
            raise ValueError(f"open_for = {self.open_for:g} is above the longest pause; raise open_max to it, or above")
        return self


class RetrySettings(Part):
    """Second attempts of what may be repeated."""

    attempts: int = Field(default=2, ge=1, le=5, description="in all; 1: never again. Layers of retries multiply: keep it at 2")
    backoff: float = Field(default=0.025, ge=0, description="seconds; the first pause is drawn from 0 to this (full jitter)")
    backoff_max: float = Field(default=0.25, ge=0, description="no pause is longer")
    budget: float = Field(
        default=0.1, ge=0, le=1, description="extra attempts for each first one: load grows by a tenth at most"
    )
    budget_floor: float = Field(default=1.0, ge=0, description="extra attempts a second that are always allowed")


class HedgeSettings(Part):
    """Second attempts while the first one is slow; only for calls marked `hedge=True`."""

    quantile: float = Field(default=0.95, gt=0, lt=1, description="of recent latencies, after which the second one is sent")
    least: float = Field(default=0.005, ge=0, description="seconds that are always waited")


class ServiceSettings(Part):
    """One backend: where it is, what it may cost, how it is guarded."""

    instances: list[str] = Field(default=[], description="its copies, as http://host:port; or `discover`")
    discover: DiscoverSettings | None = None
    wire: Literal["http1", "httpx", "grpc"] = Field(
        default="http1", description="http1 is our own; httpx for HTTP/2 backends and proxies; grpc for gRPC"
    )
    timeout: float = Field(
        default=0.8, gt=0, description="seconds a call may take in all, retries too; under the default budget of a screen"
    )
    connect_timeout: float = Field(
        default=0.25,
        gt=0,
        description="seconds to connect; a SYN sent again takes 1 s, so more buys nothing inside a data centre",
    )
    first_byte_timeout: float | None = Field(
        default=None, gt=0, description="seconds to the first byte; none: the total counts"
    )
    skip_hopeless: bool = Field(
        default=True, description="do not send a call that has less time left than half of its calls take (observed p50)"
    )
    max_in_flight: int = Field(
        default=100,
        ge=1,
        description="calls at once, of all workers together; Little: 100 at 50 ms is 2,000 calls/s, more is a backlog",
    )
    max_body: int = Field(
        default=8 * 1024 * 1024, ge=1, description="bytes of an answer, decoded; a screen has no use for more"
    )
    max_connection_age: float = Field(
        default=60.0, gt=0, description="seconds until a connection is replaced, so that a service that moved is followed"
    )
    identity: Literal["none", "token", "headers"] = Field(
        default="none",
        description="what the service is told of the caller: a signed token for it alone, or plain headers (X-User-Id), "
        "which anyone on its network could send too",
    )
    trusted_network: bool = Field(
        default=False, description="nobody but gateways can reach it; what identity = 'headers' asks for"
    )
    balance: BalanceSettings = BalanceSettings()
    health: HealthSettings = HealthSettings()
    eject: EjectSettings = EjectSettings()
    bulkhead: BulkheadSettings = BulkheadSettings()
    breaker: BreakerSettings = BreakerSettings()
    retry: RetrySettings = RetrySettings()
    hedge: HedgeSettings = HedgeSettings()
    control: list[str] = Field(default=[], description="demo only: where `bff break` and `bff heal` switch its faults")

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        given = self.model_fields_set
        yield (
            self.wire != "http1" and self.first_byte_timeout is not None,
            f"first_byte_timeout is for wire = 'http1', not '{self.wire}'; take it out",
        )
        yield (
            self.wire == "grpc" and "connect_timeout" in given,
            "connect_timeout is not for wire = 'grpc', whose channel connects by itself; take it out",
        )
        yield (
            self.identity == "headers" and not self.trusted_network,
            "identity = 'headers' can be sent by anyone who reaches the service; use 'token', or say trusted_network = true "
            "where nobody but gateways can",
        )
        yield (
            self.trusted_network and self.identity != "headers",
            "trusted_network is for identity = 'headers'; take it out",
        )
        yield (
            bool(self.instances) == (self.discover is not None),
            "name its instances, or say where to `discover` them: one of the two",
        )
        for name in ("connect_timeout", "first_byte_timeout"):
            over = name in given and (getattr(self, name) or 0.0) > self.timeout
            yield over, f"{name} is over `timeout`, which ends before it; lower it"
        yield (
            "wait" in self.bulkhead.model_fields_set and self.bulkhead.wait >= self.timeout,
            "bulkhead.wait is all of `timeout`, so a call that waited has no time to be answered; lower it",
        )
        yield (
            "min_limit" in self.bulkhead.model_fields_set and self.bulkhead.min_limit > self.max_in_flight,
            "bulkhead.min_limit is over max_in_flight; lower it",
        )
        slow_after = self.breaker.slow_after
        yield (
            slow_after is not None and slow_after >= self.timeout,
            "no call is slow that is cut at `timeout`; set breaker.slow_after below it, or raise timeout",
        )
        yield (
            self.retry.attempts > 1 and not self.retry.budget and not self.retry.budget_floor,
            "retry without a budget never retries; give retry.budget or set retry.attempts = 1",
        )
        yield self.eject.base > self.eject.max, "eject.base is over eject.max, so it never holds; lower it or raise eject.max"
        yield self.retry.backoff > self.retry.backoff_max, "retry.backoff is over retry.backoff_max; lower it or raise that"
        known = {Endpoint.of(url).name for url in self.instances}
        strange = sorted(set(self.balance.weights) - known) if known else []
        yield (
            bool(strange),
            f"balance.weights names {', '.join(strange)}, which is none of `instances`; write host:port as there",
        )
        yield self.hedge.least >= self.timeout, "hedge.least is all of `timeout`, so no hedge is ever sent; lower it"

    @field_validator("instances")
    @classmethod
    def _are_addresses(cls, value: list[str]) -> list[str]:
        for url in value:
            parts = urlsplit(url)
            plain = url.rstrip("/") == f"{parts.scheme}://{parts.netloc}" and parts.username is None
            if parts.scheme not in ("http", "https") or not parts.hostname or not plain or not _port_is_one(parts):
                raise ValueError(f"{url!r} is no address; write http://host:port")
        return value


def _is_host_port(text: str) -> bool:
    """Whether it is a name and a port to be resolved: an address is an instance already."""
    parts = urlsplit(f"//{text}")
    return parts.netloc == text and "@" not in text and bool(parts.hostname) and not _is_address(parts) and _port_is_one(parts)


def _is_service(text: str) -> bool:
    labels = text.rstrip(".").split(".")
    return all(labels) and not labels[-1].startswith("_") and not set(text) & set(":/@ ")


def _is_address_port(text: str) -> bool:
    parts = urlsplit(f"//{text}")
    return parts.netloc == text and _is_address(parts) and _port_is_one(parts)


def _is_address(parts: SplitResult) -> bool:
    try:
        return bool(ip_address(parts.hostname or ""))
    except ValueError:
        return False


def _port_is_one(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
