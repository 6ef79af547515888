"""Who asks: the one proof of identity that a request brings, checked.

A bad one is a 401 everywhere, a missing one where guests may not go, one of a kind that the endpoint does not take as
well: it proves nothing there (RFC 9110 section 15.5.2). All of them read alike; why, only the audit line says.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from bff.apps import Identity
from bff.errors import BackendUnreachable, Refusal
from bff.faces.answer import Headers
from bff.faces.problems import Problem
from bff.gateway.context import described
from bff.gateway.guesses import Guesses
from bff.gateway.request import Request
from bff.identity.api_key import id_of
from bff.identity.api_keys import ApiKeys
from bff.identity.claims import Claims
from bff.identity.configured import api_keys_of, introspection_of, issuers_of
from bff.identity.introspection import Introspection
from bff.identity.issuer import KEY_CALLER
from bff.identity.jwt import JwtVerifier, Unauthenticated, bearer_token
from bff.identity.key_document import Fetch, http_fetch
from bff.identity.revocations import Revocations
from bff.settings import Settings
from bff.state.store import Store

KEY_HEADER: Final = b"x-api-key"

# RFC 6750 section 3: what to present. ApiKey is no registered scheme; RFC 9110 section 11.1 lets a server have its own.
_SCHEMES: Final[dict[Identity, bytes]] = {"bearer": b'Bearer realm="bff"', "api_key": b'ApiKey realm="bff"'}
_INVALID: Final = b'Bearer realm="bff", error="invalid_token"'

# Seconds that a request waits for its issuer's keys while none are here. Half a screen's budget, so that its 503 comes in
# time; the fetch itself goes on behind.
KEYS_WAIT: Final = 0.5

# What shows that a token was made up. One that has ended, or is for somebody else, was good once: its owner is no guesser,
# and many may share an address. A key that is not known may be the issuer's newest, and a server says "inactive" of what
# has ended too (RFC 7662 section 2.2).
_MADE_UP: Final = frozenset({"malformed", "header", "algorithm", "issuer", "signature"})


class Identities:
    """Every way to prove who one is. `start` it in the loop, `close` it in the end."""

    def __init__(
        self,
        verifier: JwtVerifier,
        *,
        introspection: Introspection | None = None,
        keys: ApiKeys | None = None,
        revocations: Revocations | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.verifier = verifier
        self.revocations = revocations or Revocations()
        self._introspection = introspection
        self._keys = keys
        self._guesses = Guesses(now)

    @classmethod
    def of(
        cls, settings: Settings, store: Store | None = None, *, proofs: Iterable[Identity] = (), fetch: Fetch | None = None
    ) -> "Identities":
        """As the settings have it. `proofs` are those that any endpoint takes. Raises Refusal with every fault."""
        keep = max((found.max_lifetime for found in settings.issuers.values()), default=None)
        revocations = Revocations(store) if keep is None else Revocations(store, keep=keep)
        faults: list[str] = []
        try:
            issuers = issuers_of(settings.issuers, settings.introspection)
        except Refusal as refused:
            issuers, faults = [], list(refused.faults)
        try:
            introspection = introspection_of(settings.introspection, settings.issuers, revocations)
        except Refusal as refused:
            introspection = None
            faults += refused.faults
        keys = api_keys_of(settings.api_keys, store)
        if keys is None and ("api_key" in proofs or any(route.api_keys for route in settings.routes.values())):
            faults.append("api_keys: endpoints take API keys, but there is no place for them: set api_keys.file, or state.url")
        if faults:
            raise Refusal(faults)
        verifier = JwtVerifier(issuers, fetch or http_fetch(), revocations=revocations)
        return cls(verifier, introspection=introspection, keys=keys, revocations=revocations)

    async def start(self) -> None:
        """Fetch the issuers' keys, and begin to look for what other instances revoke. An issuer that is down is no error."""
        self.revocations.start()
        await self.verifier.warm()

    async def close(self) -> None:
        await self.revocations.close()
        await self.verifier.close()
        if self._introspection is not None:
            await self._introspection.close()
        if self._keys is not None:
            await self._keys.close()

    async def identify(self, request: Request) -> None:
        """Set the request's caller. Raises the 401, 403 and 429 problems, and BackendUnreachable when nobody can tell."""
        endpoint = request.endpoint
        try:
            token = bearer_token(request.values(b"authorization"))
            if KEY_HEADER in request.given:
                await self._by_key(request, token)
                return
            if token is None:
                request.caller = described(request, caller_id=None, scopes=frozenset(), tenant=None, token=None)
                return
            if endpoint is not None and "bearer" not in endpoint.identities:
                raise Unauthenticated("not taken")
            claims = self.verifier.cached(token)
            if claims is None:
                claims = await self._looked_into(request, token)
        except Unauthenticated as error:
            request.refused = error.reason
            raise Problem("unauthenticated", "the credential is not valid", headers=_challenge(request, _INVALID)) from None
        request.caller = described(request, caller_id=claims.subject, scopes=claims.scopes, tenant=claims.tenant, token=token)

    async def _looked_into(self, request: Request, token: str) -> Claims:
        server = None if self._introspection is None else self._introspection.of(token)
        known = None if server is None else server.cached(token)
        if known is not None:
            return known
        address = _address(request)
        self._refuse_guesser(request, address)
        try:
            if server is not None:
                return await server.verify(token)
            async with asyncio.timeout(KEYS_WAIT):
                return await self.verifier.verify(token)
        except Unauthenticated as error:
            if error.reason in _MADE_UP:
                self._guesses.failed(address)
            raise
        except TimeoutError:
            raise BackendUnreachable("jwks", "no keys in time") from None

    def _refuse_guesser(self, request: Request, address: str, key_id: str = "") -> None:
        try:
            self._guesses.refuse(address, key_id)
        except Problem:
            request.refused = "guesses"
            raise

    async def _by_key(self, request: Request, token: str | None) -> None:
        endpoint = request.endpoint
        given = request.values(KEY_HEADER)
        if token is not None or len(given) > 1 or b"authorization" in request.given:
            raise Unauthenticated("credentials")
        if self._keys is None or (endpoint is not None and "api_key" not in endpoint.identities):
            raise Unauthenticated("not taken")
        text, address = given[0].decode("latin-1"), _address(request)
        key_id = _id_in(text)
        self._refuse_guesser(request, address, key_id)
        try:
            record = await self._keys.check(text)
        except Unauthenticated as error:
            if error.reason in ("malformed", "wrong key"):
                self._guesses.failed(address, key_id)
            raise
        if endpoint is not None and not record.opens(endpoint.name):
            request.refused = "key of another app"
            raise Problem("forbidden", "the key is not for this endpoint")
        who = described(
            request, caller_id=KEY_CALLER + record.id, scopes=frozenset(record.scopes), tenant=record.tenant, token=None
        )
        request.caller = msgspec.structs.replace(who, key=record.id)


def authorize(request: Request) -> None:
    """Hold the caller against what the endpoint asks for: 401 for guests who may not enter, 403 for a missing scope."""
    endpoint = request.endpoint
    if endpoint is None:
        raise Problem("not-found")
    caller = request.caller
    if caller.id is None and not endpoint.guests:
        request.refused = "no identity"
        raise Problem("unauthenticated", "this needs an identity", headers=_challenge(request, _SCHEMES["bearer"]))
    if not endpoint.scopes <= caller.scopes:
        request.refused = "scope"
        raise Problem("forbidden", f"needs scope {' '.join(sorted(endpoint.scopes))}")


def _challenge(request: Request, bearer: bytes) -> Headers:
    """What the endpoint takes (RFC 9110 section 11.6.1)."""
    taken: frozenset[Identity] = frozenset({"bearer"}) if request.endpoint is None else request.endpoint.identities
    schemes = (bearer if one == "bearer" else scheme for one, scheme in _SCHEMES.items() if one in taken)
    return [(b"www-authenticate", b", ".join(schemes))]


def _id_in(text: str) -> str:
    try:
        return id_of(text)
    except Unauthenticated:
        return ""


def _address(request: Request) -> str:
    """The client's; from the socket where no stage has told it."""
    client = request.scope.get("client")
    return request.address or (str(client[0]) if client else "")
