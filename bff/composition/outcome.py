"""How a section was had: the one record that REST's meta, GraphQL's extensions, the header and the log all read."""

from dataclasses import dataclass
from typing import Literal

from bff.errors import BackendError, BackendTimeout, BffError, Forbidden, Hopeless, Missing, Shed

Status = Literal["ok", "cached", "stale", "fallback", "timeout", "unavailable", "shed", "forbidden", "missing"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One section's verdict.

    `status` says what the client holds: `fallback` when a stand-in value is shown (then `reason` says why), `timeout`,
    `unavailable`, `missing` or `forbidden` when there is nothing to show, `shed` when nobody was asked because there was
    too much to do (then its fallback, if it has one, is shown). `service` is the backend to blame, `age` and
    `retry_after` are seconds.
    """

    status: Status
    reason: str | None = None
    service: str | None = None
    age: float | None = None
    retry_after: float | None = None

    def as_meta(self) -> dict[str, str | float]:
        """The client's form; what is not known is absent."""
        pairs = (
            ("status", self.status),
            ("reason", self.reason),
            ("service", self.service),
            ("age", self.age),
            ("retryAfter", self.retry_after),
        )
        return {name: value for name, value in pairs if value is not None}


OK = Outcome("ok")


class NeedFailed(BffError):
    """A section could not run because one that it needs has no value; `cause` is the failure at the root."""

    def __init__(self, need: str, cause: BaseException) -> None:
        self.need = need
        self.cause = cause
        super().__init__(f"needs {need}")


def root_cause(cause: BaseException) -> BaseException:
    """The failure that began a chain of `needs X`."""
    while isinstance(cause, NeedFailed):
        cause = cause.cause
    return cause


def failed(cause: BaseException) -> Outcome:
    """The outcome of a section that has nothing to show, because of `cause`."""
    root = root_cause(cause)
    service = root.service if isinstance(root, BackendError) else None
    retry_after = root.retry_after if isinstance(root, BackendError) else None
    return Outcome(_status(cause), _reason(cause), service or None, retry_after=retry_after)


def stood_in(cause: BaseException) -> Outcome:
    """The outcome of a section whose fallback value is shown, because of `cause`."""
    seen = failed(cause)
    if seen.status in ("forbidden", "shed"):  # nothing failed: it was not to be, and the word for that says more
        return seen
    return Outcome("fallback", seen.reason, seen.service, retry_after=seen.retry_after)


def _status(cause: BaseException) -> Status:
    match cause:
        case Forbidden():
            return "forbidden"
        case Missing():
            return "missing"
        case BackendTimeout() | TimeoutError() | Hopeless():  # not asked in time, or asked in vain: it is time that was short
            return "timeout"
        case Shed():
            return "shed"
        case _:
            return "unavailable"


def _reason(cause: BaseException) -> str:
    match cause:
        case NeedFailed():
            return str(cause)
        case Forbidden():
            return "scope"
        case BackendError():
            return cause.reason
        case TimeoutError():
            return "timeout"
        case _:
            return "unavailable"
