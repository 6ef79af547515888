"""What every answer tells a browser about itself, whatever it is: OWASP's list of headers for an API, made up beforehand."""

from typing import Final

from bff.faces.answer import Headers

# A browser must not guess another type than the one stated (WHATWG fetch, "nosniff").
_NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
# Until caching is declared, nothing composed for one caller may be kept for another.
_NO_STORE: Final = (b"cache-control", b"no-store")
# Our addresses name people's orders; no other site needs to know where a visitor comes from.
_NO_REFERRER: Final = (b"referrer-policy", b"no-referrer")
# Browsers of before Content-Security-Policy 2.
_NO_FRAMES: Final = (b"x-frame-options", b"DENY")
# JSON runs nothing, loads nothing and is framed by nobody; if it is ever shown as a page, it must not become one.
_NOTHING: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
# A problem's page has its style within it; it asks for nothing, and posts nothing.
_STYLED: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
# Not to be had as another origin's <img> or <script> (Spectre). Pages that CORS allows are not concerned.
_OURS: Final = (b"cross-origin-resource-policy", b"same-origin")
# Pictures are shown by pages under other names of the same site: www.shop.example and api.shop.example.
_SITES: Final = (b"cross-origin-resource-policy", b"same-site")
# A year, as browsers' preload lists ask; without subdomains, which may not be ours to speak for.
_TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")

_ALL: Final = (_NO_SNIFF, _NO_STORE, _NO_REFERRER, _NO_FRAMES)
_DATA: Final[Headers] = [*_ALL, _NOTHING, _OURS]
_PAGE: Final[Headers] = [*_ALL, _STYLED, _OURS]
_PICTURE: Final[Headers] = [*_ALL, _NOTHING, _SITES]


def security_headers(content_type: bytes, scheme: str, own: Headers) -> Headers:
    """Those for an answer of this type, as a new list; `own` are the answer's own headers, which win over ours.

    Strict-Transport-Security only over TLS: browsers must not heed it otherwise (RFC 6797 section 7.2).
    """
    if content_type.startswith(b"text/html"):
        chosen = _PAGE
    elif content_type.startswith(b"image/"):
        chosen = _PICTURE
    else:
        chosen = _DATA
    if own:
        names = {name for name, _ in own}
        headers = [pair for pair in chosen if pair[0] not in names]
    else:
        headers = chosen.copy()
    if scheme == "https":
        headers.append(_TLS_ONLY)
    return headers
