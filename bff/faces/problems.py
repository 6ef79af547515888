"""Problem documents (RFC 9457): every error that a client sees, each `type` with a page that says what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from bff.composition.action_run import ActionFailed
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.composition.render import to_json
from bff.errors import (
    BackendBusy,
    BackendError,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    BffError,
    Forbidden,
    Hopeless,
    Incomplete,
    Missing,
    Refused,
)
from bff.faces.answer import PROBLEM_TYPE, Answer, Headers
from bff.state.store import StateUnavailable


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, its title, and the page's text."""

    slug: str
    status: int
    title: str
    page: str

    @property
    def type(self) -> str:
        return f"/problems/{self.slug}"


KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("bad-request", 400, "The request cannot be read", "Mend what `detail` names and send it again."),
        Kind(
            "unauthenticated",
            401,
            "No valid identity",
            "Send `Authorization: Bearer <token>` with a token that is valid.",
        ),
        Kind(
            "forbidden",
            403,
            "Not allowed",
            "The caller lacks a scope that `detail` names; ask for a token that has it.",
        ),
        Kind(
            "not-found",
            404,
            "Nothing here",
            "No screen or route has this path, or the thing that was asked for is gone.",
        ),
        Kind("gone", 410, "No longer here", "This version has been taken away; `detail` names the one to use."),
        Kind("method-not-allowed", 405, "Method not allowed", "Use one of the methods in the `Allow` header."),
        Kind("not-acceptable", 406, "No such form", "Accept `application/json`."),
        Kind("request-timeout", 408, "The request took too long", "Send the whole body at once, or over a better link."),
        Kind("payment-required", 402, "Not paid", "The payment was declined; `detail` says why. Use another way to pay."),
        Kind("conflict", 409, "Not as things are", "`detail` names what stands against it; look again before you repeat it."),
        Kind("too-large", 413, "The request is too large", "Send a smaller body; `detail` names the limit."),
        Kind("uri-too-long", 414, "The address is too long", "Shorten the query; `detail` names the limit."),
        Kind("unsupported-media-type", 415, "Unknown media type", "Send the body as the type that `detail` names."),
        Kind(
            "bad-input",
            422,
            "An input does not fit",
            "`errors` lists every fault by the input's name; without it, `detail` names the service that refused a value.",
        ),
        Kind("misdirected", 421, "Not this server", "Call the gateway by one of its own names."),
        Kind(
            "quota-exceeded",
            429,
            "Too many requests",
            "Send it again after `Retry-After` seconds; `RateLimit-Policy` names what may be asked for.",
        ),
        Kind("headers-too-large", 431, "The headers are too large", "Send fewer or shorter headers; `detail` names the limit."),
        Kind("internal", 500, "A fault of ours", "Tell the operators the `requestId`; trying again rarely helps."),
        Kind(
            "incomplete",
            502,
            "Done in part",
            "`left` lists what was done and could not be undone; the operators have been told. Do not repeat it blindly.",
        ),
        Kind("backend-invalid", 502, "A backend's answer was bad", "A section the screen cannot live without failed."),
        Kind("backend-unavailable", 503, "A backend is unavailable", "Try again after `Retry-After` seconds, if given."),
        Kind("overloaded", 503, "Too much to do", "Send it again after `Retry-After` seconds, not earlier."),
        Kind("backend-timeout", 504, "A backend did not answer in time", "Try again later, or give a larger budget."),
    )
}


@dataclass(eq=False)
class Problem(BffError):
    """An answer that is a problem document. Raised anywhere above composition, written in one place."""

    kind: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)  # Any: extension members are JSON of any shape
    headers: Headers = field(default_factory=list)

    def document(self, request_id: str, trace_id: str = "") -> dict[str, Any]:
        """The document as clients get it; also what GraphQL puts into an error's extensions."""
        kind = KINDS[self.kind]
        document: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": kind.status}
        if self.detail:
            document["detail"] = self.detail
        ids = {"requestId": request_id, "traceId": trace_id} if trace_id else {"requestId": request_id}
        return {**document, **self.members, **ids}

    def answer(self, request_id: str, trace_id: str = "") -> Answer:
        body = to_json(self.document(request_id, trace_id))
        return Answer(KINDS[self.kind].status, body, PROBLEM_TYPE, list(self.headers))


def of(error: BffError) -> Problem:
    """The problem that an expected error is to a client; never more of its text than is safe to show."""
    match error:
        case Problem():
            return error
        case SectionFailed():
            return _of_section(error)
        case BadInput():
            errors = [{"name": fault.name, "detail": fault.detail} for fault in error.faults]
            return Problem("bad-input", "see errors", {"errors": errors})
        case Forbidden():
            return Problem("forbidden", str(error))
        case ActionFailed():
            return _of_action(error)
        case Refused():
            return _of_refused(error)
        case Incomplete():
            detail = f"'{error.failed}' failed, and not all that had been done could be undone"
            return Problem("incomplete", detail, {"step": error.failed, "left": list(error.left)})
        case StateUnavailable():
            return Problem("backend-unavailable", "the gateway's own state cannot be reached", headers=_come_back(1.0))
        case BackendError():  # outside any section: a plain route, or what the gateway itself needs (an issuer's keys)
            return Problem(_kind_of(error), f"service {error.service}: {error.reason}", headers=_come_back(error.retry_after))
        case _:
            return Problem("internal")


def _of_section(error: SectionFailed) -> Problem:
    members: dict[str, Any] = {"section": error.section, **error.outcome.as_meta()}
    members.pop("status", None)  # the document's own status is the HTTP one
    headers = _come_back(error.outcome.retry_after)
    kind = _kind_of(error.cause)
    if kind == "bad-input":
        detail = f"service {error.outcome.service} refused a value of this request, for section '{error.section}'"
    else:
        detail = f"section '{error.section}' is required"
    return Problem(kind, detail, members, headers)


def _of_action(error: ActionFailed) -> Problem:
    """The problem that its cause is by itself, with the step that failed and those that were undone because of it."""
    cause = error.cause
    if isinstance(cause, BackendError | TimeoutError):
        problem = _of_backend(cause)
    else:
        problem = of(cause) if isinstance(cause, BffError) else Problem("internal")
    members = dict(problem.members)
    if error.step and not isinstance(cause, Refused):
        members["step"] = error.step
    if error.undone:
        members["undone"] = list(error.undone)
    return Problem(problem.kind, problem.detail, members, problem.headers)


def _of_backend(cause: BackendError | TimeoutError) -> Problem:
    service = cause.service if isinstance(cause, BackendError) else ""
    reason = cause.reason if isinstance(cause, BackendError) else "timeout"
    members = {"reason": reason, **({"service": service} if service else {})}
    kind, who = _kind_of(cause), f"service {service}" if service else "the action"
    detail = f"{who} refused a value of this request" if kind == "bad-input" else f"{who}: {reason}"
    return Problem(kind, detail, members, _come_back(cause.retry_after if isinstance(cause, BackendError) else None))


def _of_refused(error: Refused) -> Problem:
    if error.name is not None:
        return Problem("bad-input", "see errors", {"errors": [{"name": error.name, "detail": error.detail}]})
    return Problem(error.kind, error.detail)


def _come_back(seconds: float | None) -> Headers:
    """`Retry-After` in its whole seconds, never earlier than what was said."""
    return [] if seconds is None else [(b"retry-after", str(max(1, ceil(seconds))).encode())]


# What a backend answers to a value that our own validation could not judge: a cursor, mostly.
_REFUSED_INPUT = (400, 422)


def _kind_of(cause: BaseException) -> str:
    match cause:
        case Missing():
            return "not-found"
        case Forbidden():
            return "forbidden"
        case BackendTimeout() | TimeoutError() | Hopeless():
            return "backend-timeout"
        case BackendStatus() if cause.status in _REFUSED_INPUT:
            return "bad-input"
        case BackendUnreachable() | BackendBusy():
            return "backend-unavailable"
        case _:
            return "backend-invalid"
