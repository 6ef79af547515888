"""Which of several instances a call goes to: one small class a policy, each honouring shares (weight, slow start).

A policy is asked only where there are two or more to choose from. What is the same for one tuple of peers is worked out
once: `Peers` makes another tuple when a share changes.
"""

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import exp
from typing import Final, Protocol

from bff.upstream.peers import Peer
from bff.upstream.verdict import Verdict

Draw = Callable[[], float]  # from 0 up to, not including, 1

# Seconds in which peak EWMA forgets two thirds of what it knew (Finagle's default).
_MEMORY: Final = 10.0
# How a call more weighs against a share: in the middle between what is in flight and what would be then. Counting only
# what is gives the smaller shares too much, counting what would be too little (the divisors of Sainte-Lague).
_HALF: Final = 0.5
# What costs less by a quarter at least is the better one; smaller differences are chance, and shares decide.
_CLEARLY: Final = 0.75


class Policy(Protocol):
    def choose(self, peers: Sequence[Peer], now: float) -> Peer: ...


class RoundRobin:
    """Each in its turn; of unequal ones by nginx's smooth weighted round robin, so that 3:1 gives A A B A and not A A A B."""

    def __init__(self) -> None:
        self._peers: Sequence[Peer] = ()
        self._even = True
        self._turn = -1

    def choose(self, peers: Sequence[Peer], now: float) -> Peer:
        if peers is not self._peers:
            self._peers, self._even = peers, _even(peers)
        if not self._even:
            return in_turn(peers)
        self._turn = (self._turn + 1) % len(peers)
        return peers[self._turn]


class LeastConnections:
    """The one with the fewest attempts in flight for its share, exactly: it looks at all of them. Ties go in turn."""

    def __init__(self) -> None:
        self._peers: Sequence[Peer] = ()
        self._even = True
        self._turn = -1

    def choose(self, peers: Sequence[Peer], now: float) -> Peer:
        if peers is not self._peers:
            self._peers, self._even = peers, _even(peers)
        if self._even:
            self._turn = (self._turn + 1) % len(peers)
            return min((*peers[self._turn :], *peers[: self._turn]), key=_busy)  # the first one of those that tie
        if not any(peer.stats.in_flight for peer in peers):
            return in_turn(peers)
        loads = [(peer.stats.in_flight + _HALF) / peer.share for peer in peers]
        least = min(loads)
        return in_turn([peer for peer, load in zip(peers, loads, strict=True) if load == least])


class LeastRequests:
    """Of two drawn, the one with fewer attempts in flight for its share: the power of two choices, near the best of all
    at the price of two. The first one is drawn by share and keeps a tie, so shares hold while nobody is busy."""

    def __init__(self, draw: Draw) -> None:
        self._two = Two(draw)

    def choose(self, peers: Sequence[Peer], now: float) -> Peer:
        one, other = self._two.draw(peers)
        busy, as_busy = one.stats.in_flight, other.stats.in_flight
        if not busy and not as_busy:
            return one
        return other if (as_busy + _HALF) * one.share < (busy + _HALF) * other.share else one


class PeakEwma:
    """Of two drawn, the one that costs clearly less: its recent latency times the attempts in flight (Finagle's).

    Latency jumps to a peak at once and falls slowly, so a slow instance is left at its first slow answer. A failure
    counts as `penalty` seconds in the mean: one that fails fast is dear, one that failed once is not.
    """

    def __init__(self, draw: Draw, penalty: float) -> None:
        self._two, self._penalty = Two(draw), penalty

    def choose(self, peers: Sequence[Peer], now: float) -> Peer:
        one, other = self._two.draw(peers)
        return other if self._cost(other, now) < _CLEARLY * self._cost(one, now) else one

    def observe(self, peer: Peer, seconds: float, verdict: Verdict, now: float) -> None:
        """An attempt has ended. What was cut short or refused can only tell of a peak: it lasted so long at least."""
        kept = exp((peer.seen - now) / _MEMORY)
        if verdict == "bad":
            peer.cost = max(peer.cost, seconds) * kept + max(self._penalty, seconds) * (1 - kept)
        elif seconds > peer.cost:
            peer.cost = seconds
        elif verdict == "good":
            peer.cost = peer.cost * kept + seconds * (1 - kept)
        else:
            return
        peer.seen = now

    def _cost(self, peer: Peer, now: float) -> float:
        busy = peer.stats.in_flight
        load = (busy + _HALF) / peer.share
        # While it is busy it does not fade: of one not heard of for long, one call finds out, and others wait for what
        # that tells.
        cost = (peer.cost or self._penalty) if busy else peer.cost * exp((peer.seen - now) / _MEMORY)
        return cost * load if load > 1.0 else cost


class Two:
    """Draws two different ones: the first by share, the second any other."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._peers: Sequence[Peer] = ()
        self._bounds: list[float] | None = None  # sums of shares; None when all are equal

    def draw(self, peers: Sequence[Peer]) -> tuple[Peer, Peer]:
        if peers is not self._peers:
            self._peers = peers
            self._bounds = None if _even(peers) else list(accumulate(peer.share for peer in peers))
        count, bounds = len(peers), self._bounds
        first = int(self._draw() * count) if bounds is None else bisect(bounds, self._draw() * bounds[-1], 0, count - 1)
        second = int(self._draw() * (count - 1)) if count > 2 else 0
        return peers[first], peers[second + (second >= first)]


def in_turn(peers: Sequence[Peer]) -> Peer:
    """The next one of a smooth weighted round robin."""
    ahead, total = peers[0], 0.0
    for peer in peers:
        peer.turn += peer.share
        total += peer.share
        if peer.turn > ahead.turn:
            ahead = peer
    ahead.turn -= total
    return ahead


def _even(peers: Sequence[Peer]) -> bool:
    return all(peer.share == peers[0].share for peer in peers)


def _busy(peer: Peer) -> int:
    return peer.stats.in_flight
