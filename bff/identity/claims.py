"""What a verified token says, and the rules its claims must meet (RFC 7519 section 4.1, RFC 9068 section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bff.identity.issuer import CLIENT_CALLER, Issuer
from bff.identity.unauthenticated import Unauthenticated

MAX_TEXT = 255  # OpenID Connect's own limit for `sub`; the other names that we keep have no reason to be longer
LATEST = 253_402_300_799  # the last second of year 9999: times beyond it break date functions
# Marks of other signed things that may share issuer, key and even typ: ID and logout tokens (RFC 8725 section 3.12).
# `nonce` is not one of them: some providers put it into access tokens. `cnf` binds a token to a key that we do not ask for:
# believed without, a stolen one would be as good as its owner's (RFC 9449 section 7.2).
FOREIGN = frozenset({"at_hash", "c_hash", "events", "cnf"})


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token's content. `raw` holds the claims that the issuer's `keep` names, if short and plain."""

    subject: str
    issuer: str
    scopes: frozenset[str]
    tenant: str | None
    expires_at: int  # seconds since 1970
    raw: Mapping[str, str | int | bool] = field(compare=False, repr=False)
    issued_at: int = field(default=0, compare=False)  # seconds since 1970; 0 where it was not told


def read(payload: Mapping[str, object], issuer: Issuer, wall: float) -> Claims:
    """The claims of a token whose signature is good. Raises Unauthenticated. `wall` is now, in seconds since 1970."""
    if not FOREIGN.isdisjoint(payload):
        raise Unauthenticated("type")
    expires_at = _expiry(payload, issuer, wall)
    if issuer.audience not in audiences(payload.get("aud")):
        raise Unauthenticated("audience")
    if any(not _says(payload.get(name), wanted) for name, wanted in issuer.claims):
        raise Unauthenticated("claims")
    return Claims(
        subject=subject(payload.get("sub"), payload.get("client_id"), issuer.subject_prefix, issuer.reserved),
        issuer=issuer.name,
        scopes=rights(payload, issuer.rights_claim),
        tenant=issuer.tenant if issuer.tenant_claim is None else text(payload.get(issuer.tenant_claim)),
        expires_at=expires_at,
        raw=kept(payload, issuer.keep),
        issued_at=moment(payload["iat"]),
    )


def _expiry(payload: Mapping[str, object], issuer: Issuer, wall: float) -> int:
    expires, issued = moment(payload.get("exp")), moment(payload.get("iat"))
    begins = moment(payload["nbf"]) if "nbf" in payload else issued
    if expires + issuer.leeway <= wall:
        raise Unauthenticated("expired")
    if max(issued, begins) > wall + issuer.leeway:
        raise Unauthenticated("not-yet")
    if not 0 < expires - issued <= issuer.max_lifetime:
        raise Unauthenticated("lifetime")
    return expires


def moment(value: object) -> int:
    """A time in whole seconds since 1970.

    RFC 7519 lets a NumericDate have a fraction; no provider in use sends one, and 1e308 is a number too.
    """
    if type(value) is int and 0 <= value <= LATEST:  # not isinstance: True is no time
        return value
    raise Unauthenticated("claims")


def audiences(value: object) -> list[str]:
    """Whom a token is for: one name or several (RFC 7519 section 4.1.3)."""
    named = [value] if isinstance(value, str) else value
    if isinstance(named, list) and all(isinstance(audience, str) for audience in named):
        return named
    raise Unauthenticated("claims")


def text(value: object) -> str:
    """A name that can stand in a log line, a header and a key as it is."""
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable():
        return value
    raise Unauthenticated("claims")


def subject(value: object, client: object, prefix: str, reserved: tuple[str, ...]) -> str:
    """A subject under its issuer's prefix, which cannot be read as anybody's under another.

    A client that acts for nobody is its own subject (RFC 9068 section 5): it gets a name that no user can have.
    """
    found = prefix + text(value)
    if found.startswith(reserved):
        raise Unauthenticated("claims")
    return CLIENT_CALLER + found if value == client else found


def rights(payload: Mapping[str, object], claim: str | None) -> frozenset[str]:
    """The caller's rights: words with spaces between, or a list (RFC 8693 section 4.2, RFC 9068 section 2.2.3).

    A claim's name with dots that is not there as it stands is a path into objects (realm_access.roles). A claim that is
    not there gives no rights; one of another form is refused, for somebody meant something by it.
    """
    if claim is None:
        claim = "scope" if "scope" in payload else "scp"
    value = payload[claim] if claim in payload else _at(payload, claim)
    words = value.split(" ") if isinstance(value, str) else value
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return frozenset(words) - {""}
    raise Unauthenticated("claims")


def _at(payload: Mapping[str, object], path: str) -> object:
    value: object = payload
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    return value


def _says(value: object, wanted: str) -> bool:
    return value == wanted or (isinstance(value, list) and wanted in value)


def kept(payload: Mapping[str, object], keep: tuple[str, ...]) -> Mapping[str, str | int | bool]:
    """Those of the claims that are named by `keep`, short and plain."""
    found: dict[str, str | int | bool] = {}
    for name in keep:
        value = payload.get(name)
        if isinstance(value, int) or (isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()):
            found[name] = value
    return MappingProxyType(found)
