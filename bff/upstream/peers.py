"""The instances of one service as its balancer sees them: which may be called now, and what share each should get."""

from math import inf
from typing import Final

from bff.service_settings import BalanceSettings
from bff.upstream.instances import Instance, Instances

# Of its share, what a new instance starts with: enough to warm it, little enough to bear when it is cold.
_START: Final = 0.1
# Between two steps of a share that grows: one in a hundred of the default slow start.
_STEP: Final = 0.1


class Peer:
    """One instance, what its ejection and its checks remember, and what a policy knows of it."""

    __slots__ = (
        "bad_before",
        "checks",
        "cost",
        "good_before",
        "good_seen",
        "instance",
        "name",
        "seen",
        "share",
        "since",
        "stats",
        "streak",
        "times",
        "turn",
        "wire",
    )

    def __init__(self, instance: Instance) -> None:
        self.instance, self.name = instance, instance.name
        self.stats, self.wire = instance.stats, instance.wire
        self.since = instance.since  # its slow start counts from here
        self.share = 1.0  # of calls, in relation to the mean of all
        self.turn = 0.0  # round robin: how far its turn has come
        self.cost = 0.0  # peak EWMA: seconds
        self.seen = 0.0  # and when it was last told
        self.streak = 0  # bad attempts in a row, if `good_seen` is still the count of good ones
        self.good_seen = 0
        self.times = 0  # ejections, less those that were forgiven
        self.good_before = self.bad_before = 0  # attempts at the last sweep
        self.checks = 0  # active checks in a row: good ones above 0, failed ones below


class Peers:
    """`near` are those to call: the well ones, or all of them in `panic`. `only` is the one of them when there is nothing
    to choose and nothing wrong; `several` tells whether there is more than one in all.

    Good before the moment `until`, which is brought forward when an instance comes, leaves or changes: then `look` again.
    `near` is another tuple whenever who is in it, or the share of one, has changed.
    """

    __slots__ = ("_instances", "_live", "_settings", "all", "near", "only", "panic", "several", "until")

    def __init__(self, instances: Instances, settings: BalanceSettings) -> None:
        self._instances, self._settings = instances, settings
        self._live: tuple[Instance, ...] = ()
        self.all: tuple[Peer, ...] = ()
        self.near: tuple[Peer, ...] = ()
        self.only: Peer | None = None
        self.several = False
        self.panic = False
        self.until = -inf
        instances.watch(self.stale)

    def stale(self) -> None:
        """One has come, left or changed: look again before the next call."""
        self.until = -inf

    def look(self, now: float) -> None:
        if self._live is not self._instances.live:
            self._follow()
        self.until = inf
        well = [peer for peer in self.all if self._is_well(peer, now)]
        self.panic = len(well) < len(self.all) and len(well) < self._settings.panic * len(self.all)
        near = list(self.all) if self.panic else well
        self._share_out(near, now)
        self.near = tuple(near)
        self.only = near[0] if len(near) == 1 and not self.panic else None
        self.several = len(self.all) > 1

    def _follow(self) -> None:
        """Who stayed is known by its instance, and keeps what is remembered of it."""
        self._live = self._instances.live
        known = {peer.instance: peer for peer in self.all}
        self.all = tuple(known.get(instance) or Peer(instance) for instance in self._live)

    def _is_well(self, peer: Peer, now: float) -> bool:
        instance, stats = peer.instance, peer.stats
        if stats.ejected and instance.ejected_until <= now:
            stats.ejected = False
            peer.since = now  # it is let in again as slowly as a new one
        if stats.ejected:
            self.until = min(self.until, instance.ejected_until)
        return instance.healthy and not stats.ejected

    def _share_out(self, near: list[Peer], now: float) -> None:
        """Shares by weight and by slow start, so that their mean is 1. One alone has all of it, however young it is."""
        if len(near) == 1:
            near[0].share = 1.0
            return
        slow = self._settings.slow_start
        for peer in near:
            age = now - peer.since
            grown = 1.0 if age >= slow else _START + (1 - _START) * age / slow
            peer.share = peer.instance.weight * grown
            if grown < 1.0:
                self.until = min(self.until, now + _STEP)
        mean = sum(peer.share for peer in near) / max(1, len(near))
        for peer in near:
            peer.share /= mean
