"""Hedging: a read that is slower than nearly all others is asked once more elsewhere, and the first good answer counts.

It cuts the tail that one sick copy or one pause makes, at the price of some extra calls: those come out of the same
budget as retries, so a service that is slow as a whole is not asked twice for everything.
"""

import asyncio
from typing import Final

from msgspec.structs import replace

from bff.deadline import Clock
from bff.errors import BackendBusy, BackendError, BackendUnreachable
from bff.service_settings import HedgeSettings
from bff.upstream.budget import Budget
from bff.upstream.call import ATTEMPT, AttemptKind, Call, Reply, Sender
from bff.upstream.stats import ServiceStats, is_open
from bff.upstream.verdict import of_reply

# How an attempt ended. An error is held as a value, so that a loser's one is nobody's to report.
Outcome = Reply | BackendError

_TOO_MANY: Final = 429


def once_more(call: Call, kind: AttemptKind, before: int) -> Call:
    """The call for an extra attempt: it says how many came before, and its attempts are those of the call."""
    return replace(call, kind=kind, headers=(*call.headers, (ATTEMPT, str(before))))


def refused(outcome: Outcome) -> bool:
    """Whether it is no answer worth having: ill health, or a 429, while another attempt may bring one."""
    return isinstance(outcome, BackendError) or outcome.status == _TOO_MANY or of_reply(outcome) == "bad"


class Hedge:
    """The first two attempts of the calls that are marked `hedge`."""

    __slots__ = ("_budget", "_clock", "_inner", "_settings", "_stats")

    def __init__(self, inner: Sender, settings: HedgeSettings, stats: ServiceStats, budget: Budget, clock: Clock) -> None:
        self._inner, self._settings, self._stats, self._budget, self._clock = inner, settings, stats, budget, clock

    async def send(self, call: Call) -> tuple[Outcome, int]:
        """The better outcome, and how many attempts it took (1 or 2). The slower one has ended when this returns.

        The second is sent once the call has taken longer than the recent quantile of the service's calls; never while
        that is not known.
        """
        usual = self._stats.latency.quantile(self._settings.quantile, self._clock.now())
        if usual is None:
            return await _outcome(call, self._inner), 1
        loop = asyncio.get_running_loop()
        first = loop.create_task(_outcome(call, self._inner))
        running = [first]
        try:
            await self._ended(first, self._clock.now() + max(usual, self._settings.least))
            if first.done() or not self._may(call):
                return await first, 1
            self._stats.hedges += 1
            second = loop.create_task(_outcome(once_more(call, "hedge", 1), self._inner))
            running.append(second)
            winner = await _winner(first, second)
            if winner is second and not refused(winner.result()):
                self._stats.hedges_won += 1
            return winner.result(), 2
        finally:
            await _stop(running)

    def _may(self, call: Call) -> bool:
        """Whether there is time for another attempt, and budget, and the breaker has not opened meanwhile."""
        if is_open(self._stats):
            return False
        now = self._clock.now()
        if call.deadline.left() <= (self._stats.latency.quantile(0.5, now) or 0.0):
            return False
        if self._budget.spend(now):
            return True
        self._stats.budget_refused += 1
        return False

    async def _ended(self, first: "asyncio.Task[Outcome]", until: float) -> None:
        """Return when it has ended, or at that moment."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: object = None) -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self._clock.call_at(until, wake)
        first.add_done_callback(wake)
        try:
            await woken
        finally:
            timer.cancel()
            first.remove_done_callback(wake)


async def _outcome(call: Call, inner: Sender) -> Outcome:
    try:
        return await inner.send(call)
    except BackendError as error:
        return error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return BackendUnreachable(call.service, "a library cancelled the call")


async def _winner(first: "asyncio.Task[Outcome]", second: "asyncio.Task[Outcome]") -> "asyncio.Task[Outcome]":
    """The first to bring an answer; when none does, the one that ended last."""
    waiting = {first, second}
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in (first, second) if task in done]
        answered = next((task for task in ended if not refused(task.result())), None)
        if answered is not None:
            return answered
        if not waiting:
            # one that was never sent says nothing of the service
            return first if isinstance(second.result(), BackendBusy) else ended[-1]


async def _stop(tasks: list["asyncio.Task[Outcome]"]) -> None:
    """Cancel what still runs and see it end: its connection is closed then."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
