"""Every error of the product, drawn as one tree.

    BffError
    ├── Refusal                a bad screen, section, client or setting: told at start, never at a request
    ├── BackendError           the world failed; a fallback may stand in. `reason` is what `meta` shows
    │   ├── BackendTimeout     it did not answer in time
    │   ├── BackendUnreachable no connection, or it broke before the answer was whole
    │   ├── BackendStatus      it answered with a status that is not 2xx
    │   │   └── Missing        it answered that the thing is not there (404, or a key absent from a batch)
    │   ├── BackendInvalid     it answered with something that is not what was promised
    │   └── BackendBusy        we did not ask it: its bulkhead is full
    │       ├── BreakerOpen    we did not ask it: its breaker is open
    │       ├── Hopeless       we did not ask it: less time was left than it needs
    │       └── Shed           we did not ask anybody: the screen can live without it, and there is too much to do
    ├── Forbidden              the caller lacks a scope
    ├── Refused                an action says no, and nothing of it was done
    └── Incomplete             an action failed, and not all of what it had done could be undone

Anything else that a section raises (TypeError, KeyError, ...) is a bug: the screen is a 500 and no fallback hides it.
"""

from collections.abc import Iterable
from typing import Literal


class BffError(Exception):
    """Base of everything that this package raises on purpose."""


class Refusal(BffError):
    """Something declared cannot work. `faults` lists every one, each with its place and its mend."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class BackendError(BffError):
    """A backend did not give what it was asked for.

    `service` names it, `reason` is a short stable word for meta and metrics, `retry_after` is in seconds when the
    backend (or we) can tell when asking again makes sense. `ours`: it tells nothing of the backend's health, because it
    was not asked or our own event loop was blocked. `sent`: False when no byte of the request was written, so that it
    certainly was not done; True when some was, or nobody knows. The text may name our fault details; clients never see it.
    """

    reason: str = "unavailable"
    ours: bool = False
    sent: bool = True

    def __init__(
        self, service: str, detail: str = "", *, retry_after: float | None = None, ours: bool = False, sent: bool = True
    ) -> None:
        self.service = service
        self.detail = detail
        self.retry_after = retry_after
        if ours:
            self.ours = True
        if not sent:
            self.sent = False
        super().__init__(f"{service}: {detail}" if detail else service)


class BackendTimeout(BackendError):
    """No whole answer within the time the call had."""

    reason = "timeout"


class BackendUnreachable(BackendError):
    """No connection could be made, or it broke before the answer was whole: `begun` says that some of it had come."""

    reason = "unreachable"
    begun = False


class BackendStatus(BackendError):
    """The backend answered, with a status outside 2xx."""

    reason = "status"

    def __init__(
        self, service: str, status: int, detail: str = "", *, retry_after: float | None = None, body: bytes = b""
    ) -> None:
        super().__init__(service, detail or f"status {status}", retry_after=retry_after)
        self.status = status
        self.body = body
        if type(self) is BackendStatus:
            self.reason = f"status {status}"


class Missing(BackendStatus):
    """What was asked for does not exist: 404 or 410 from the backend, or a key that a batch did not return."""

    reason = "missing"

    def __init__(self, service: str, detail: str = "", *, status: int = 404, body: bytes = b"") -> None:
        super().__init__(service, status, detail or "not found", body=body)


class BackendInvalid(BackendError):
    """The answer breaks HTTP framing, the codec, the size cap or the declared type; `detail` names the field."""

    reason = "invalid"


class BackendBusy(BackendError):
    """The call was not made: the service's cap of calls in flight is reached, and its queue is full or took too long."""

    reason = "busy"
    ours = True
    sent = False


class BreakerOpen(BackendBusy):
    """The call was not made: the service failed too often; `retry_after` is when it will be tried again."""

    reason = "breaker open"


class Hopeless(BackendBusy):
    """The call was not made: less time was left than half of this service's calls take."""

    reason = "no time left"


class Shed(BackendBusy):
    """A section was not run: its screen can live without it, and this process (`overload`) or the service (`busy`) is full."""

    def __init__(self, reason: Literal["overload", "busy"], service: str = "") -> None:
        super().__init__(service, reason)
        self.reason = reason


class Forbidden(BffError):
    """The caller lacks one of the scopes that this section, screen or route needs."""

    def __init__(self, needed: Iterable[str]) -> None:
        self.needed = tuple(needed)
        super().__init__(f"needs scope {' '.join(self.needed)}")


class Refused(BffError):
    """What an action raises to say no: nothing of it was done, or all of it was undone.

    With `name`, an input (the client's name for it) that cannot be taken: 422, listed in `errors`. Without, `kind` is
    what stands against it: `conflict` (409) or `payment-required` (402). `detail` is shown to the client.
    """

    def __init__(
        self, detail: str, *, name: str | None = None, kind: Literal["conflict", "payment-required"] = "conflict"
    ) -> None:
        self.detail, self.name, self.kind = detail, name, kind
        super().__init__(f"{name}: {detail}" if name else detail)


class Incomplete(BffError):
    """An action failed at `failed` and what `left` names was done and could not be undone: 502, told to client and log."""

    def __init__(self, failed: str, left: Iterable[str]) -> None:
        self.failed, self.left = failed, tuple(left)
        super().__init__(f"{failed}; left: {', '.join(self.left)}")
