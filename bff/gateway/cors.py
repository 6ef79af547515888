"""Which pages of other origins may call an app, as browsers ask (WHATWG fetch, section 3.2), and that no other page can
make a user's browser change anything (CSRF).

An origin is allowed by its exact text in [apps.NAME] `origins`: no pattern, no `null`, no sibling.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bff.errors import Refusal
from bff.faces.answer import Answer, Headers
from bff.faces.problems import Problem
from bff.gateway.match import Routes
from bff.gateway.request import Request
from bff.settings import AppSettings

ANY: Final = "*"
# Seconds a browser may go by a preflight's answer: long enough for a visit, short enough for a change of settings.
MAX_AGE: Final = 600
# What a page may send: what the gateway reads, and no more.
_ASKED: Final = (
    b"authorization, content-type, idempotency-key, request-timeout, app-version, traceparent, tracestate, baggage, "
    b"accept-language, if-none-match, x-request-id, x-api-key, x-csrf"
)
# What a page may read of an answer beside its type and language.
_TOLD: Final = b"bff-sections, x-request-id, ratelimit, ratelimit-policy, retry-after, idempotency-replayed, etag"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# RFC 6454 section 6.2, as browsers send it: lower case, no path, no default port.
_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_PORT: Final = re.compile(r":(80|443)\Z")  # an origin leaves the default one out, a Host may have it
_VARY: Final = (b"vary", b"Origin")
_NOT_ALLOWED: Final = "pages of this origin may not call it; [apps.NAME] origins in bff.toml lists those that may"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One app's: the headers for an answer to each origin that may read it."""

    allowed: Mapping[str, Headers]
    anyone: Headers | None

    def of(self, origin: str) -> Headers | None:
        return self.allowed.get(origin, self.anyone)


class Cors:
    """The rules of all apps, by their names. Raises Refusal for origins that no browser sends, or that let in everybody."""

    def __init__(self, apps: Mapping[str, AppSettings] | None = None) -> None:
        faults = [fault for name, app in (apps or {}).items() for fault in _faults(name, app)]
        if faults:
            raise Refusal(faults)
        self._rules = {name: _rule(app) for name, app in (apps or {}).items() if app.origins}

    def preflight(self, request: Request, routes: Routes) -> Answer | None:
        """The answer to a browser's question before its request, or None for what is no such question.

        Raises the 403 problem for an origin that may not call. A path without an app that has origins is left to `match`.
        """
        if request.method != "OPTIONS":
            return None
        origin = request.header(b"origin")
        if origin is None or request.header(b"access-control-request-method") is None:
            return None
        here = [endpoint for endpoint in routes.at(request) if endpoint.app in self._rules]
        if not here:
            return None
        request.endpoint = here[0]
        allowed = self._rules[here[0].app].of(origin)
        if allowed is None:
            request.headers.append(_VARY)
            request.refused = "origin"
            raise Problem("forbidden", _NOT_ALLOWED)
        methods = ", ".join(dict.fromkeys(method for endpoint in here for method in endpoint.methods))
        asked: Headers = [
            (b"access-control-allow-methods", methods.encode()),
            (b"access-control-allow-headers", _ASKED),
            (b"access-control-max-age", str(MAX_AGE).encode()),
        ]
        return Answer(204, b"", headers=[*(pair for pair in allowed if pair[0] != b"access-control-expose-headers"), *asked])

    def check(self, request: Request) -> None:
        """Raise the 403 problem for a state change from another site; add what lets an allowed page read the answer.

        A program that is no browser sends neither Origin nor Sec-Fetch-Site nor a cookie, and is not asked for anything.
        """
        rule = self._rules.get(request.endpoint.app) if request.endpoint else None
        if rule is None and request.method in _SAFE:  # an app without pages elsewhere is asked for something: nothing to add
            return
        origin = request.header(b"origin")
        allowed = None
        if rule is not None:
            allowed = rule.of(origin) if origin is not None else None
            request.headers.extend(allowed if allowed is not None else (_VARY,))
        if request.method not in _SAFE:
            _check_change(request, origin, allowed=allowed is not None)


def _check_change(request: Request, origin: str | None, *, allowed: bool) -> None:
    if not allowed and not _from_here(request, origin):
        request.refused = "cross-site"
        raise Problem("forbidden", _NOT_ALLOWED)
    # A form of any page sends the cookie, but neither of these headers (OWASP: custom request header). With `Authorization`
    # it is not the cookie that says who asks.
    if request.header(b"cookie") is not None and request.header(b"x-csrf") is None and request.header(b"authorization") is None:
        request.refused = "csrf"
        raise Problem("forbidden", "a change with a cookie needs the header `X-CSRF: 1`, which no other site's form can send")


def _from_here(request: Request, origin: str | None) -> bool:
    """Whether no other site's page stands behind it, siblings of ours included, as far as its browser tells."""
    site = request.header(b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    # Browsers of before 2023. Only the authority counts: a proxy of ours may have taken the TLS off.
    return origin is None or origin.partition("://")[2] == _PORT.sub("", (request.header(b"host") or "").lower())


def _rule(app: AppSettings) -> _Rule:
    allowed = {origin: _headers(origin, app) for origin in app.origins if origin != ANY}
    return _Rule(allowed, _headers(ANY, app) if ANY in app.origins else None)


def _headers(origin: str, app: AppSettings) -> Headers:
    allow = (b"access-control-allow-origin", origin.encode())
    credentials: Headers = [(b"access-control-allow-credentials", b"true")] if app.credentials else []
    return [_VARY, allow, *credentials, (b"access-control-expose-headers", _TOLD)]


def _faults(name: str, app: AppSettings) -> Iterable[str]:
    for origin in app.origins:
        if origin == ANY:
            if app.credentials:
                yield f"apps.{name}: origins = ['*'] with credentials would let every page act as its visitor; name the origins"
        elif not _ORIGIN.fullmatch(origin):
            yield f"apps.{name}: '{origin}' is no origin as browsers send it; write https://shop.example, without a path"
