"""Gives a request its id and its place in a trace, and reads what the client says of itself: hints, never rights."""

import re
from functools import lru_cache
from random import getrandbits

from bff.caller import Caller
from bff.gateway.request import Request
from bff.observe import traceparent
from bff.observe.tracing import Tracing
from bff.upstream.call import ATTEMPT, Trace

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}\Z")

REQUEST_ID = b"x-request-id"
TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
_ATTEMPT = ATTEMPT.encode()
DEFAULT_LOCALE = "en"
# Clients write the same few of these: to take one apart again would be 1 us. A head has 16 KB at most, so 4 MB are kept.
_KEPT = 256


def open_context(request: Request, tracing: Tracing) -> None:
    """Take the client's request id if it is a plain word, else make one (S072: nothing odd goes on); the same for its trace.

    A request that brings neither has one id for both.
    """
    told, work = request.given, request.work
    given = request.header(REQUEST_ID) if REQUEST_ID in told else None
    parent = traceparent.read(request.header(TRACEPARENT)) if TRACEPARENT in told else None
    if parent is None:
        trace_id, state = f"{getrandbits(128) or 1:032x}", ""
        sampled = tracing.on and tracing.sampled(None)
    else:
        trace_id, state = parent.trace_id, traceparent.read_state(request.header(TRACESTATE))
        sampled = tracing.sampled(parent.sampled)
        request.parent = parent.span_id
    if given is not None and _ID.match(given):
        request.id = given
    else:
        request.id = trace_id if parent is None else f"{getrandbits(128):032x}"
    request.sampled = sampled
    if _ATTEMPT in told:
        work.repeated = told[_ATTEMPT] != b"0"
    work.trace = Trace(trace_id, "01" if sampled else "00", state)


def described(
    request: Request, *, caller_id: str | None, scopes: frozenset[str], tenant: str | None, token: str | None
) -> Caller:
    """The caller of a request: who, from a verified identity; where, from the endpoint; the rest, from hints."""
    told = request.given
    return Caller(
        id=caller_id,
        app=request.endpoint.app if request.endpoint else "",
        scopes=scopes,
        locale=_locale(told.get(b"accept-language")),
        device=_device(told.get(b"sec-ch-ua-mobile"), told.get(b"user-agent")),
        app_version=_version(request) if b"app-version" in told else None,
        tenant=tenant,
        token=token,
    )


@lru_cache(_KEPT)
def _locale(accept_language: bytes | None) -> str:
    """The first language the client names (RFC 9110 section 12.5.4 lists the best one first in practice)."""
    first = (accept_language or b"").decode("latin-1").partition(",")[0].partition(";")[0].strip()
    return first if _LANGUAGE.match(first) else DEFAULT_LOCALE


@lru_cache(_KEPT)
def _device(hint: bytes | None, user_agent: bytes | None) -> str:
    if hint in (b"?0", b"?1"):
        return "mobile" if hint == b"?1" else "desktop"
    if not user_agent:
        return "unknown"
    return "mobile" if b"Mobi" in user_agent else "desktop"


def _version(request: Request) -> str | None:
    version = request.header(b"app-version")
    return version if version is not None and _VERSION.match(version) else None
