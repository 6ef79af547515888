"""Takes an instance out for a while when calls to it go wrong: Envoy's outlier detection, decided as an attempt fails.

There is no task and no timer, and a good attempt costs nothing: what it changes is seen at the next failure.
"""

from typing import Final

from bff.service_settings import EjectSettings
from bff.upstream.peers import Peer, Peers

# Attempts of an instance in a sweep before their share tells anything (Envoy: failure_percentage_request_volume).
_ENOUGH: Final = 50


class Ejector:
    """Told of every bad attempt. At most `max_share` of the instances are out at once, and never the last one."""

    __slots__ = ("_peers", "_settings", "_sweep_at")

    def __init__(self, peers: Peers, settings: EjectSettings) -> None:
        self._peers, self._settings = peers, settings
        self._sweep_at = 0.0

    def failed(self, peer: Peer, now: float) -> None:
        """An attempt was bad, and is counted."""
        if peer.good_seen != peer.stats.good:
            peer.good_seen, peer.streak = peer.stats.good, 0
        peer.streak += 1
        if peer.streak >= self._settings.consecutive:
            peer.streak = 0
            self._eject(peer, now)
        if now >= self._sweep_at:
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + self._settings.sweep
        for peer in self._peers.all:
            good, bad = peer.stats.good - peer.good_before, peer.stats.bad - peer.bad_before
            peer.good_before, peer.bad_before = peer.stats.good, peer.stats.bad
            if good + bad >= _ENOUGH and bad >= self._settings.failure_share * (good + bad):
                self._eject(peer, now)

    def _eject(self, peer: Peer, now: float) -> None:
        everyone, settings, instance = self._peers.all, self._settings, peer.instance
        out = sum(1 for other in everyone if other.stats.ejected)
        most = min(max(1, int(settings.max_share * len(everyone))), len(everyone) - 1)
        # What is out already: attempts that were under way when it was ejected come in late. What has left is not ours.
        if peer.stats.ejected or instance.draining or out >= most:
            return
        forgiven = int((now - instance.ejected_until) / settings.sweep)  # one for each sweep since that it was in (Envoy)
        peer.times = max(0, peer.times - forgiven) + 1
        instance.ejected_until = now + min(settings.base * peer.times, settings.max)
        peer.checks = 0  # good ones from here on bring it back
        peer.stats.ejected = True
        peer.stats.ejections += 1
        self._peers.stale()
