"""Gives a request its id, and reads what the client says of itself: hints, never rights."""

import re
from random import getrandbits

from bff.caller import Caller
from bff.gateway.request import Request

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}\Z")

REQUEST_ID = b"x-request-id"
DEFAULT_LOCALE = "en"


def open_context(request: Request) -> None:
    """Take the client's request id if it is a plain word, else make one (S072: nothing odd goes on)."""
    given = request.header(REQUEST_ID)
    request.id = given if given is not None and _ID.match(given) else f"{getrandbits(128):032x}"


def described(
    request: Request, *, caller_id: str | None, scopes: frozenset[str], tenant: str | None, token: str | None
) -> Caller:
    """The caller of a request: who, from a verified identity; where, from the endpoint; the rest, from hints."""
    version = request.header(b"app-version")
    return Caller(
        id=caller_id,
        app=request.endpoint.app if request.endpoint else "",
        scopes=scopes,
        locale=_locale(request.header(b"accept-language")),
        device=_device(request.header(b"sec-ch-ua-mobile"), request.header(b"user-agent")),
        app_version=version if version is not None and _VERSION.match(version) else None,
        tenant=tenant,
        token=token,
    )


def _locale(accept_language: str | None) -> str:
    """The first language the client names (RFC 9110 section 12.5.4 lists the best one first in practice)."""
    first = (accept_language or "").partition(",")[0].partition(";")[0].strip()
    return first if _LANGUAGE.match(first) else DEFAULT_LOCALE


def _device(hint: str | None, user_agent: str | None) -> str:
    if hint in ("?0", "?1"):
        return "mobile" if hint == "?1" else "desktop"
    if not user_agent:
        return "unknown"
    return "mobile" if "Mobi" in user_agent else "desktop"
