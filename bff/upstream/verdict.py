"""What an outcome tells of a backend's health: the one classifier that breaker, retry, ejection and metrics read.

good     it answered as it should
bad      it is ill: no connection, a reset, no answer in time, a 5xx, an answer that breaks its promise
neutral  nothing is learnt of it: the request was refused (4xx), we did not ask, or the fault was our own
"""

from typing import Final, Literal

from bff.errors import BackendError, BackendStatus, BackendTimeout
from bff.upstream.call import Reply

Verdict = Literal["good", "neutral", "bad"]

# Not Implemented and HTTP Version Not Supported (RFC 9110 sections 15.6.2 and 15.6.6) speak of the request, like a 4xx.
# Every other 5xx is ill health; one that nobody knows is to be taken for a 500 (section 15).
_ABOUT_THE_REQUEST: Final = frozenset({501, 505})
_GATEWAY_TIMEOUT: Final = 504


def of_status(status: int) -> Verdict:
    if status < 400:
        return "good"
    return "neutral" if status < 500 or status in _ABOUT_THE_REQUEST else "bad"


def of_reply(reply: Reply) -> Verdict:
    """Of a whole answer that could be decoded, whatever its status."""
    return of_status(reply.status)


def of_error(error: BaseException) -> Verdict:
    """Of what `send` raised. Cancellation and bugs of ours are neutral: they say nothing of the backend."""
    if isinstance(error, BackendStatus):
        return of_status(error.status)
    return "bad" if isinstance(error, BackendError) and not error.ours else "neutral"


def of_time(outcome: Reply | BaseException) -> bool:
    """Whether it says only that the time was up: ours, or what we told the backend it had (504, RFC 9110 section 15.6.5).

    Such an outcome is bad only if the call had time enough (`ServiceStats.enough`): clients set budgets.
    """
    return outcome.status == _GATEWAY_TIMEOUT if isinstance(outcome, Reply) else isinstance(outcome, BackendTimeout)
