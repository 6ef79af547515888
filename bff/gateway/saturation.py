"""Which services have no place left, as their own counts tell it."""

from collections.abc import Mapping

from bff.upstream.stats import ServiceStats

# Seconds for which a refused call says that its service is full; less, and its optional callers come back in the same burst.
REMEMBERED = 1.0


class Saturation:
    """Reads the services' counts: full are those where calls wait, or all places are taken, or one was refused lately.

    Only services that some screen or route cannot live without are looked at: where all callers are optional, leaving
    some off makes room for nobody.
    """

    def __init__(self, services: Mapping[str, ServiceStats], vital: frozenset[str]) -> None:
        self._services = {name: stats for name, stats in services.items() if name in vital}
        self._refused = dict.fromkeys(self._services, 0)
        self._until = dict.fromkeys(self._services, 0.0)

    def look(self, now: float) -> frozenset[str]:
        """The services that are full at the moment `now`, in monotonic seconds."""
        return frozenset([name for name, stats in self._services.items() if self._is_full(name, stats, now)])

    def _is_full(self, name: str, stats: ServiceStats, now: float) -> bool:
        if stats.busy > self._refused[name]:
            self._refused[name] = stats.busy
            self._until[name] = now + REMEMBERED
        return stats.queued > 0 or 0 < stats.limit <= stats.in_flight or now < self._until[name]
