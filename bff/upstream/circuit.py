"""A breaker's state machine: pybreaker's, with a failure rate over time, a growing pause and counted trials.

pybreaker 1.4.1 has the states, their listeners and storage, `open`, `half_open`, `close` and CircuitBreakerError. What it
lacks for calls that overlap and may be cancelled (its `call` counts a coroutine as good before it has run) is here: a
call asks to be let in and tells afterwards how it ended.
"""

from collections.abc import Callable

from pybreaker import STATE_OPEN, CircuitBreaker, CircuitBreakerError, CircuitBreakerListener

from bff.service_settings import BreakerSettings
from bff.upstream.breaker_window import Window
from bff.upstream.verdict import Verdict


class Circuit(CircuitBreaker):
    """`timeout` is how long one call of the service may take; `draw` gives 0 to 1, for the jitter.

    A call that is let in holds a permit, the `epoch` of that moment: `permit` while closed, else what `admit` gives. It
    ends with `settle` or `good`, always and once. Every change of state begins a new epoch, and what a call of an
    earlier one tells is dropped: it says how the service was, not how it is.
    """

    def __init__(
        self,
        service: str,
        settings: BreakerSettings,
        timeout: float,
        now: Callable[[], float],
        draw: Callable[[], float],
        listener: CircuitBreakerListener,
    ) -> None:
        super().__init__(success_threshold=settings.trials, listeners=[listener], name=service)
        self._settings, self._timeout, self._now, self._draw = settings, timeout, now, draw
        self._window = Window(settings.window)
        self._pause = settings.open_for  # the next one, before jitter
        self._tried_at = 0.0  # when an open circuit is tried
        self._trials = 0  # in flight
        self._overdue_at = 0.0  # by then every trial in flight has ended, or will never tell
        self.epoch = 1
        self.permit = 1  # the epoch while it is closed, else 0

    @property
    def closed(self) -> bool:
        return self.permit != 0

    def admit(self, now: float, due: float) -> int:
        """The permit of a trial; CircuitBreakerError when none is to be had now.

        Only for a circuit that is not closed. `due` is the moment by which the call has ended.
        """
        if self.current_state == STATE_OPEN:
            if now < self._tried_at:
                raise CircuitBreakerError("it failed too often")
            self.half_open()
        if self._trials + self.success_counter >= self._settings.trials:
            if self._trials and now >= self._overdue_at:
                self.open()  # a trial that never tells its end is no good one, and would keep everyone out for ever
            raise CircuitBreakerError("it is being tried")
        self._trials += 1
        self._overdue_at = max(self._overdue_at, max(now + self._timeout, due) + self._timeout)
        return self.epoch

    def good(self, permit: int, now: float) -> None:
        """The same as `settle` of a good call that was not slow: of nearly all, in a third of the instructions."""
        if permit != self.permit:
            self.settle(permit, "good", False, now)
            return
        window = self._window
        if now >= window.until:
            window.turn(now)
        window.calls += 1
        if (window.bad or window.slow) and self._too_many():
            self.open()

    def settle(self, permit: int, verdict: Verdict, slow: bool, now: float) -> None:
        """A call that was let in has ended. A neutral one counts neither way; a trial's place is free again."""
        if permit != self.epoch:
            return
        if self.closed:
            if verdict != "neutral":
                window = self._window
                window.add(now, verdict == "bad", slow)
                if (window.bad or window.slow) and self._too_many():
                    self.open()
            return
        self._trials -= 1
        if verdict == "bad" or slow:
            self.open()
        elif verdict == "good":
            self.state.on_success()  # pybreaker counts it, and closes after `trials` of them

    def retry_after(self, now: float) -> float:
        """Seconds until a call may be let in again; while it is tried, until the trials should have told."""
        return max(0.0, self._tried_at - now) if self.current_state == STATE_OPEN else self._timeout

    # The changes of state, whether a call brought them about or an operator.

    def open(self) -> bool:
        settings = self._settings
        self._tried_at = self._now() + self._pause * (1 + settings.jitter * (2 * self._draw() - 1))
        self._pause = min(self._pause * settings.growth, settings.open_max)
        self.epoch += 1
        self.permit = 0
        return super().open()

    def half_open(self) -> None:
        self._trials = 0
        self._overdue_at = 0.0
        self.epoch += 1
        self.permit = 0
        super().half_open()

    def close(self) -> None:
        self._window.clear()
        self._pause = self._settings.open_for
        self.epoch += 1
        self.permit = self.epoch
        super().close()

    def _too_many(self) -> bool:
        window, settings = self._window, self._settings
        return window.calls >= settings.calls and (
            window.bad >= settings.failure_rate * window.calls or window.slow >= settings.slow_rate * window.calls
        )
