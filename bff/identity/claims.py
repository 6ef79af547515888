"""What a verified token says, and the rules its claims must meet (RFC 7519 section 4.1, RFC 9068 section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bff.identity.issuer import Issuer
from bff.identity.unauthenticated import Unauthenticated

MAX_TEXT = 255  # OpenID Connect's own limit for `sub`; the other names that we keep have no reason to be longer
LATEST = 253_402_300_799  # the last second of year 9999: times beyond it break date functions
# Marks of other signed things that may share issuer, key and even typ: ID and logout tokens (RFC 8725 section 3.12).
# `nonce` is not one of them: some providers put it into access tokens.
FOREIGN = frozenset({"at_hash", "c_hash", "events"})


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token's content. `raw` holds the claims that the issuer's `keep` names, if short and plain."""

    subject: str
    issuer: str
    scopes: frozenset[str]
    tenant: str | None
    expires_at: int  # seconds since 1970
    raw: Mapping[str, str | int | bool] = field(compare=False, repr=False)


def read(payload: Mapping[str, object], issuer: Issuer, wall: float) -> Claims:
    """The claims of a token whose signature is good. Raises Unauthenticated. `wall` is now, in seconds since 1970."""
    if not FOREIGN.isdisjoint(payload):
        raise Unauthenticated("type")
    expires_at = _expiry(payload, issuer, wall)
    if issuer.audience not in _audiences(payload.get("aud")):
        raise Unauthenticated("audience")
    return Claims(
        subject=_text(payload.get("sub")),
        issuer=issuer.name,
        scopes=_scopes(payload),
        tenant=issuer.tenant if issuer.tenant_claim is None else _text(payload.get(issuer.tenant_claim)),
        expires_at=expires_at,
        raw=_kept(payload, issuer.keep),
    )


def _expiry(payload: Mapping[str, object], issuer: Issuer, wall: float) -> int:
    expires, issued = _moment(payload.get("exp")), _moment(payload.get("iat"))
    begins = _moment(payload["nbf"]) if "nbf" in payload else issued
    if expires + issuer.leeway <= wall:
        raise Unauthenticated("expired")
    if max(issued, begins) > wall + issuer.leeway:
        raise Unauthenticated("not-yet")
    if not 0 < expires - issued <= issuer.max_lifetime:
        raise Unauthenticated("lifetime")
    return expires


def _moment(value: object) -> int:
    """RFC 7519 lets a NumericDate have a fraction; no provider in use sends one, and 1e308 is a number too."""
    if type(value) is int and 0 <= value <= LATEST:  # not isinstance: True is no time
        return value
    raise Unauthenticated("claims")


def _audiences(value: object) -> list[str]:
    audiences = [value] if isinstance(value, str) else value
    if isinstance(audiences, list) and all(isinstance(audience, str) for audience in audiences):
        return audiences
    raise Unauthenticated("claims")


def _text(value: object) -> str:
    """A name that can stand in a log line, a header and a key as it is."""
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable():
        return value
    raise Unauthenticated("claims")


def _scopes(payload: Mapping[str, object]) -> frozenset[str]:
    """`scope`, words with spaces between (RFC 8693 section 4.2, RFC 9068 section 2.2.3), else `scp`, words or list."""
    value = payload["scope"] if "scope" in payload else payload.get("scp", "")
    words = value.split(" ") if isinstance(value, str) else value
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return frozenset(words) - {""}
    raise Unauthenticated("claims")


def _kept(payload: Mapping[str, object], keep: tuple[str, ...]) -> Mapping[str, str | int | bool]:
    kept: dict[str, str | int | bool] = {}
    for name in keep:
        value = payload.get(name)
        if isinstance(value, int) or (isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()):
            kept[name] = value
    return MappingProxyType(kept)
