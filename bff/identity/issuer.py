"""Who may sign tokens, and what is asked of them."""

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jwt.exceptions import InvalidKeyError

from bff.errors import Refusal
from bff.identity.algorithms import ASYMMETRIC, SYMMETRIC, as_secret, too_weak
from bff.identity.weak import why_weak

LEEWAY = 30.0  # seconds: clocks kept by NTP differ by far less, those of a badly kept machine seldom by more
MAX_LIFETIME = 24 * 3600.0  # seconds: a stolen token should not outlive the day
# Claims worth keeping unasked: who the client is, and what a list of revoked sessions and tokens is searched for.
KEPT = ("jti", "sid", "client_id", "azp", "acr", "auth_time")
# How our own names begin for callers that are no issuer's subjects: API keys, and clients that act for nobody.
KEY_CALLER = "key:"
CLIENT_CALLER = "client:"
OURS = (KEY_CALLER, CLIENT_CALLER)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens are taken. Raises Refusal, with every fault and its mend, when it cannot be safe.

    `name` is compared to `iss` character by character. Keys come from `jwks_url`, or are the one shared `secret` of at
    least 32 bytes. `typ` lists the token types taken (RFC 9068 section 2.1; a provider that sends none of it needs
    ("JWT",), which RFC 8725 section 3.11 calls weaker). `tenant` is the tenant of everyone it vouches for;
    `tenant_claim` names the claim that tells it instead. `keep` names further claims to hand on. `rights_claim` is where the
    caller's rights are; None looks for `scope`, then `scp`. `claims` must each have, or list, exactly the value given.
    `subject_prefix` stands before every subject; a subject that begins like one of `reserved`, which are others', is refused.
    """

    name: str
    audience: str
    algorithms: tuple[str, ...]
    jwks_url: str | None = None
    secret: bytes | None = field(default=None, repr=False)
    typ: tuple[str, ...] = ("at+jwt",)
    leeway: float = LEEWAY
    max_lifetime: float = MAX_LIFETIME
    tenant: str | None = None
    tenant_claim: str | None = None
    keep: tuple[str, ...] = KEPT
    rights_claim: str | None = None
    claims: tuple[tuple[str, str], ...] = ()
    subject_prefix: str = ""
    reserved: tuple[str, ...] = OURS
    allow_http: bool = False  # plain http to another machine: only where the network itself is trusted

    def __post_init__(self) -> None:
        faults = [*_naming_faults(self), *_algorithm_faults(self), *_key_faults(self)]
        if faults:
            raise Refusal(f"issuer {self.name!r}: {fault}" for fault in faults)
        object.__setattr__(self, "typ", tuple(media_type(typ) for typ in self.typ))


def media_type(typ: str) -> str:
    """A `typ` in one spelling: case does not count, and "application/" may be left out (RFC 7515 section 4.1.9)."""
    return typ.lower().removeprefix("application/")


def _naming_faults(issuer: Issuer) -> list[str]:
    faults = []
    if not issuer.name or not issuer.audience:
        faults.append("name and audience must not be empty: a token is for somebody, from somebody")
    if not issuer.typ or not all(issuer.typ):
        faults.append('typ is empty: name the token types to take, such as ("at+jwt",)')
    if not (0 <= issuer.leeway <= issuer.max_lifetime):
        faults.append("leeway must lie between 0 and max_lifetime, in seconds")
    if issuer.tenant is not None and issuer.tenant_claim is not None:
        faults.append("tenant and tenant_claim are both given: keep one")
    if issuer.rights_claim == "":
        faults.append("rights_claim is empty: name the claim, or leave it out for scope and scp")
    return faults


def _algorithm_faults(issuer: Issuer) -> list[str]:
    named = frozenset(issuer.algorithms)
    faults = []
    if not named:
        faults.append('algorithms is empty: name those that the issuer signs with, such as ("RS256",)')
    if strange := sorted(named - ASYMMETRIC - SYMMETRIC):
        faults.append(f"algorithms {', '.join(strange)} are not taken: use {', '.join(sorted(ASYMMETRIC))}")
    if named & ASYMMETRIC and named & SYMMETRIC:
        # With both, a public key could be used as an HMAC secret (RFC 8725 section 2.1).
        faults.append("algorithms mixes HS* with public-key ones: make it two issuers, or drop one kind")
    elif named & SYMMETRIC and issuer.jwks_url is not None:
        faults.append("HS* algorithms cannot go with jwks_url, whose keys are public: give `secret` instead")
    elif named & ASYMMETRIC and issuer.secret is not None:
        faults.append("a secret cannot go with public-key algorithms: give jwks_url instead")
    return faults


def _key_faults(issuer: Issuer) -> list[str]:
    if (issuer.jwks_url is None) == (issuer.secret is None):
        return ["give either jwks_url or secret"]
    if issuer.jwks_url is not None:
        return address_faults("jwks_url", issuer.jwks_url, issuer.allow_http)
    return _secret_faults(issuer.secret or b"", frozenset(issuer.algorithms) & SYMMETRIC)


def _secret_faults(secret: bytes, algorithms: frozenset[str]) -> list[str]:
    faults = []
    for algorithm in sorted(algorithms):
        try:
            weak = too_weak(algorithm, as_secret(algorithm, secret))
        except InvalidKeyError as wrong:
            return [f"secret cannot be used: {wrong}"]
        if weak:
            faults.append(f"secret: {weak} Make one with: openssl rand -base64 64")
    if not faults and (known := why_weak(secret.decode("latin-1"))):
        faults.append(f"secret {known}")
    return faults


def address_faults(what: str, url: str, allow_http: bool) -> list[str]:
    """Why an address of the operator's cannot be trusted with keys or tokens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [f"{what} is not an address"]
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        return [f"{what} must be https://, a host and a path, without user or password"]
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        return [
            f"{what} {url} is not https, so what it says can be swapped on its way: make it https, "
            "or say allow_http=True where the network is trusted"
        ]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
