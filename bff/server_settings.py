"""[server], [limits] and [shed]: where it listens, how much it takes, and when it has too much to do."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from pydantic import Field

from bff.part import Part

_ANYWHERE = frozenset({"", "0.0.0.0", "::"})


class ServerSettings(Part):
    """Where it listens and how it stops."""

    public: str = Field(default="127.0.0.1:8000", description="what clients call")
    hosts: list[str] = Field(
        default=["127.0.0.1", "localhost", "::1"],
        min_length=1,
        description='the names that clients call it by, without port; any other Host is refused (421). ["*"] behind a proxy '
        "that looks itself",
    )
    trusted_proxies: list[str] = Field(
        default=[],
        description="networks (10.0.0.0/8) of the proxies before it; only their X-Forwarded-For tells a client's address",
    )
    admin: str = Field(default="127.0.0.1:8001", description="probes, docs, GraphiQL; keep it private")
    workers: int = Field(default=1, ge=1, description="processes; one a core")
    drain: float = Field(
        default=6.0,
        ge=0,
        description="seconds between SIGTERM and closing: two looks of a balancer that probes every 3 s, "
        "and longer than the 5 s that an idle connection is kept",
    )
    grace: float = Field(
        default=25.0, gt=0, description="seconds for requests in flight; under Kubernetes' 30 s before SIGKILL"
    )

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            _is_same(self.public, self.admin),
            f"public and admin are both at {self.admin}; give admin a port of its own, which clients cannot reach",
        )
        yield (
            "hosts" not in self.model_fields_set and not _is_loopback(self.public),
            f"public = '{self.public}' is called from elsewhere, but hosts are the names of this machine alone, so every such "
            "call would be refused (421); name in hosts what clients call it by",
        )
        yield "*" in self.hosts and len(self.hosts) > 1, "hosts = '*' is any name, the others too; take '*' or the others out"
        for network in self.trusted_proxies:
            yield (
                _is_everybody(network),
                f"trusted_proxies = '{network}' is every address, so any client could say who it is; name the proxies' own "
                "networks",
            )


class LimitSettings(Part):
    """What a request may measure."""

    max_body: int = Field(default=1024 * 1024, ge=0, description="bytes of a request's body")
    max_query: int = Field(default=8 * 1024, ge=0, description="bytes of a query string; what browsers and proxies agree on")


class ShedSettings(Part):
    """When a worker has too much to do, and leaves off first what is missed least."""

    on: bool = Field(default=True, description="false: everything is let in, whatever presses")
    max_in_flight: int = Field(
        default=1000,
        ge=1,
        description="requests at once and worker; about what a core serves in a second, a screen's whole budget: more of them "
        "would end too late. Low priority goes at 80 % of it, then normal and high; critical ones have 20 % above",
    )
    max_lag: float = Field(
        default=0.1, gt=0, description="seconds that the event loop may run late; above it for 1 s optional sections go first"
    )
    close_at_memory: float = Field(
        default=0.85,
        gt=0,
        le=1,
        description="share of what the process may hold from which answers say `Connection: close` (Envoy)",
    )
    refuse_at_memory: float = Field(
        default=0.95, gt=0, le=1, description="share from which all but critical requests are refused: better than being killed"
    )

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            self.close_at_memory > self.refuse_at_memory,
            "close_at_memory is over refuse_at_memory, so connections are closed too late; lower it, or raise that",
        )


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def _is_same(one: str, other: str) -> bool:
    """Whether both cannot be listened on: port 0 is a free one, which they have each of their own."""
    (host, port), (other_host, other_port) = _split(one), _split(other)
    return port == other_port and port != "0" and (host == other_host or bool({host, other_host} & _ANYWHERE))


def _is_loopback(address: str) -> bool:
    host, _ = _split(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_everybody(network: str) -> bool:
    try:
        return ip_network(network).prefixlen == 0
    except ValueError:
        return False  # address.py tells what is no network
