"""Bearer tokens: a signed JWT in, the verified claims out.

The rules are those of RFC 8725 (JWT best practice), RFC 9068 (access tokens) and RFC 7519. A token chooses nothing: not
its algorithm, which its issuer's settings pin; not its key, which comes from its issuer's own set; no address.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import sha256

from bff.errors import Refusal
from bff.identity.algorithms import Key, holds
from bff.identity.bearer import MAX_TOKEN, bearer_token
from bff.identity.claims import Claims, read
from bff.identity.compact import Compact, take_apart
from bff.identity.issuer import Issuer, media_type
from bff.identity.jwks import KeySet
from bff.identity.key_document import KID, Fetch
from bff.identity.revocations import Revocations
from bff.identity.unauthenticated import Unauthenticated

__all__ = ["Claims", "Issuer", "JwtVerifier", "Unauthenticated", "bearer_token"]

CACHE_TTL = 60.0  # seconds a token is believed unseen: how long a removed key may go unnoticed
MAX_CACHED = 10_000  # tokens; with some 1 KB each a worker spends 10 MB, and has room for every user of its last minute

# Parameters that would have us fetch or believe a key the token brings (RFC 8725 section 3.10), unpack something first
# (zip, b64, enc, cty), or keep rules that we do not know: `crit` names what must be understood (RFC 7515 section 4.1).
REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "zip", "b64", "crit", "enc", "cty"})


class JwtVerifier:
    """Verifies the tokens of `issuers`, and of nobody else.

    `fetch` gets their key sets (`key_document.http_fetch()`). `wall` is the time tokens are written in, `now` is
    monotonic. Raises Refusal for two issuers of one name, or of one key set: either could then sign as the other.
    What `revocations` names is refused, remembered or not. `close` it in the end.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer],
        fetch: Fetch,
        *,
        revocations: Revocations | None = None,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        listed = tuple(issuers)
        _refuse_shared(listed)
        self._issuers = {issuer.name: issuer for issuer in listed}
        self._keys = {issuer.name: KeySet(issuer.jwks_url, fetch, now) for issuer in listed if issuer.jwks_url}
        self._secrets = {issuer.name: Key(issuer.secret, frozenset(issuer.algorithms)) for issuer in listed if issuer.secret}
        self._wall, self._now = wall, now
        self._revocations = revocations or Revocations(wall=wall)
        # sha256 of a token -> until when, what, and the epoch of revocations in which it was last compared with them
        self._known: OrderedDict[bytes, tuple[float, Claims, int]] = OrderedDict()

    def cached(self, token: str) -> Claims | None:
        """The claims, if this very token was found good in the last CACHE_TTL seconds; None says nothing about it."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        digest = sha256(token.encode("ascii")).digest()
        entry = self._known.get(digest)
        if entry is None:
            return None
        until, claims, epoch = entry
        if self._now() >= until:
            del self._known[digest]
            return None
        if epoch != self._revocations.epoch:
            if self._revocations.hit(claims):
                del self._known[digest]
                return None
            self._known[digest] = (until, claims, self._revocations.epoch)
        self._known.move_to_end(digest)
        return claims

    async def verify(self, token: str) -> Claims:
        """The token's claims. It waits only when its issuer's keys are not here yet, or not the one it names.

        Raises Unauthenticated when the token is not good, and BackendUnreachable when that cannot be told because its
        issuer's keys were never had or are over a day old: a 503 and not a 401, which would log everybody out.
        """
        claims = self.cached(token)
        if claims is not None:
            return claims
        parts = take_apart(token)
        issuer, algorithm = self._expected(parts)
        key = await self._key(issuer, parts.header)
        if not holds(key, algorithm, parts.signed, parts.signature):
            raise Unauthenticated("signature")
        claims = read(parts.payload, issuer, self._wall())
        if self._revocations.hit(claims):
            raise Unauthenticated("revoked")
        self._remember(token, claims)
        return claims

    async def warm(self) -> None:
        """Fetch the key sets now, so that the first requests need not wait. An issuer that is down is no error here."""
        for keys in self._keys.values():
            await keys.warm()

    async def close(self) -> None:
        """End what runs behind. After it no key is fetched."""
        for keys in self._keys.values():
            await keys.close()

    def _expected(self, parts: Compact) -> tuple[Issuer, str]:
        """The issuer that the token says it is from, which decides on everything else, and the algorithm it pins."""
        header, name = parts.header, parts.payload.get("iss")
        if not REFUSED_HEADERS.isdisjoint(header):
            raise Unauthenticated("header")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise Unauthenticated("issuer")
        algorithm, typ = header.get("alg"), header.get("typ")
        if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
            raise Unauthenticated("algorithm")
        if not isinstance(typ, str) or media_type(typ) not in issuer.typ:
            raise Unauthenticated("type")
        return issuer, algorithm

    async def _key(self, issuer: Issuer, header: dict[str, object]) -> Key:
        """The key to check with, from this issuer's own. `kid` is a name to look up there, nothing more."""
        secret = self._secrets.get(issuer.name)
        if secret is not None:
            return secret
        kid = header.get("kid")
        if not isinstance(kid, str) or not KID.fullmatch(kid):
            raise Unauthenticated("header")
        keys = self._keys[issuer.name]
        key = keys.held(kid) or await keys.find(kid)
        if key is None:
            raise Unauthenticated("key")
        return key

    def _remember(self, token: str, claims: Claims) -> None:
        left = min(CACHE_TTL, claims.expires_at - self._wall())
        if left <= 0:  # expired, and let in by the leeway
            return
        self._known[sha256(token.encode("ascii")).digest()] = (self._now() + left, claims, self._revocations.epoch)
        if len(self._known) > MAX_CACHED:
            self._known.popitem(last=False)


def _refuse_shared(issuers: tuple[Issuer, ...]) -> None:
    """RFC 8725 section 3.8: a key belongs to one issuer."""
    faults: list[str] = []
    for what, values in (
        ("name", [issuer.name for issuer in issuers]),
        ("jwks_url", [issuer.jwks_url for issuer in issuers if issuer.jwks_url is not None]),
        ("secret", [issuer.secret for issuer in issuers if issuer.secret is not None]),
    ):
        if len(set(values)) != len(values):
            faults.append(f"two issuers have the same {what}: give each its own, or keep one of them")
    if faults:
        raise Refusal(faults)
