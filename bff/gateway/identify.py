"""Who asks: the bearer token of a request, verified. A bad token is a 401 everywhere, a missing one where guests may not go."""

import asyncio

from bff.errors import BackendUnreachable
from bff.faces.problems import Problem
from bff.gateway.context import described
from bff.gateway.request import Request
from bff.identity.jwt import JwtVerifier, Unauthenticated, bearer_token

# RFC 6750 section 3: what to present; the reason stays in the audit line, so that a forger learns nothing.
_CHALLENGE = [(b"www-authenticate", b'Bearer realm="bff"')]
_INVALID = [(b"www-authenticate", b'Bearer realm="bff", error="invalid_token"')]

# Seconds that a request waits for its issuer's keys while none are here. Half a screen's budget, so that its 503 comes in
# time; the fetch itself goes on behind.
KEYS_WAIT = 0.5


class Identities:
    """Every way to prove who one is."""

    def __init__(self, verifier: JwtVerifier) -> None:
        self._verifier = verifier

    async def identify(self, request: Request) -> None:
        """Set the request's caller; raises the 401 problem."""
        await _identify(request, self._verifier)


async def _identify(request: Request, verifier: JwtVerifier) -> None:
    try:
        token = bearer_token(request.raw_headers)
        if token is None:
            request.caller = described(request, caller_id=None, scopes=frozenset(), tenant=None, token=None)
            return
        claims = verifier.cached(token)
        if claims is None:
            async with asyncio.timeout(KEYS_WAIT):
                claims = await verifier.verify(token)
    except Unauthenticated as error:
        request.refused = error.reason
        raise Problem("unauthenticated", "the token is not valid", headers=_INVALID) from None
    except TimeoutError:
        raise BackendUnreachable("jwks", "no keys in time") from None
    request.caller = described(request, caller_id=claims.subject, scopes=claims.scopes, tenant=claims.tenant, token=token)


def authorize(request: Request) -> None:
    """Hold the caller against what the endpoint asks for: 401 for guests who may not enter, 403 for a missing scope."""
    endpoint = request.endpoint
    if endpoint is None:
        raise Problem("not-found")
    if request.caller.guest and not endpoint.guests:
        request.refused = "no identity"
        raise Problem("unauthenticated", "this needs an identity", headers=_CHALLENGE)
    if not request.caller.has(endpoint.scopes):
        request.refused = "scope"
        raise Problem("forbidden", f"needs scope {' '.join(sorted(endpoint.scopes))}")
