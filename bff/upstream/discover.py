"""Where a service's instances are: listed in bff.toml, in a watched file, or in DNS. Which one is decided here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from bff.deadline import LOOP_CLOCK, Clock
from bff.endpoint import Endpoint
from bff.service_settings import DiscoverSettings, ServiceSettings
from bff.upstream.discover_dns import AddressLook, ServiceLook
from bff.upstream.discover_file import FileLook
from bff.upstream.discover_resolver import DnsResolver
from bff.upstream.discover_watch import Found, Look, Watch
from bff.upstream.stats import ServiceStats


class Discovery(Protocol):
    """`found` is called with the whole list of instances whenever another one is known, and never with an empty one."""

    def start(self, found: Found) -> None: ...

    async def close(self) -> None: ...


class Listed:
    """The instances of the settings: found at once, and once only. Needs no running loop."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._endpoints = tuple(Endpoint.of(url) for url in urls)

    def start(self, found: Found) -> None:
        found(self._endpoints)

    async def close(self) -> None:
        pass


def discovery(service: str, settings: ServiceSettings, stats: ServiceStats, clock: Clock = LOOP_CLOCK) -> Discovery:
    """How this service's instances are found."""
    found = settings.discover
    if found is None:
        return Listed(settings.instances)
    return Watch(service, _look(found), found.every, stats, clock)


def _look(found: DiscoverSettings) -> Look:
    match found.kind:
        case "file":
            return FileLook(Path(found.name), found.every)
        case "dns":
            parts = urlsplit(f"//{found.name}")
            port = parts.port or (443 if found.scheme == "https" else 80)
            return AddressLook(parts.hostname or "", port, found.scheme, found.every, DnsResolver(found.nameserver))
        case "srv":
            return ServiceLook(found.name, found.scheme, found.every, DnsResolver(found.nameserver))
