"""Tokens of a real provider: signed ones by its keys, opaque ones by asking it; its keys change, its tokens are revoked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from bff.caller import Caller
from bff.errors import BackendUnreachable
from bff.faces.problems import Problem
from bff.gateway.identify import Identities
from bff.gateway.request import Request
from bff.identity.asking import HttpAsk
from bff.identity.configured import issuers_of
from bff.identity.introspected import Server
from bff.identity.introspection import BAD_TTL, Introspection, Introspector
from bff.identity.issuer import Issuer
from bff.identity.jwks import GAP
from bff.identity.jwt import JwtVerifier
from bff.identity.key_document import http_fetch
from bff.identity_settings import IntrospectionSettings, IssuerSettings
from bff.settings import Settings
from tests.gateway.kit import Peer, scope_of
from tests.idp.idp import GATEWAY, OPAQUE, SIGNED, Idp

TTL = 30.0


@dataclass
class Hand:
    """A monotonic clock set by hand; the tokens' own times are the provider's."""

    at: float = 0.0

    def now(self) -> float:
        return self.at


@dataclass
class Door:
    """All that the gateway has to say who somebody is."""

    identities: Identities
    introspector: Introspector
    clock: Hand

    async def caller(self, token: str) -> Caller:
        request = Request(scope_of("/", "GET", [("authorization", f"Bearer {token}")]), Peer().receive, 0.0)
        await self.identities.identify(request)
        return request.caller

    async def refused(self, token: str) -> str:
        request = Request(scope_of("/", "GET", [("authorization", f"Bearer {token}")]), Peer().receive, 0.0)
        with pytest.raises(Problem) as problem:
            await self.identities.identify(request)
        assert problem.value.kind == "unauthenticated"
        return str(request.refused)


@asynccontextmanager
async def door(idp: Idp) -> AsyncIterator[Door]:
    clock = Hand()
    verifier = JwtVerifier([Issuer(idp.issuer, "thali", ("ES256",), idp.jwks_url)], http_fetch(), now=clock.now)
    ask = HttpAsk(idp.introspection_url, GATEWAY, idp.gateway_secret)
    introspector = Introspector(Server(idp.issuer, "thali"), ask, ttl=TTL, timeout=5.0, now=clock.now)
    identities = Identities(verifier, introspection=Introspection([introspector]), now=clock.now)
    await identities.start()
    try:
        yield Door(identities, introspector, clock)
    finally:
        await identities.close()


async def test_a_users_signed_token_is_verified_by_the_providers_keys_and_never_shown_to_it(idp: Idp) -> None:
    token = await asyncio.to_thread(idp.login, "user-7", SIGNED)
    before = idp.introspections()
    async with door(idp) as at:
        caller = await at.caller(token["access_token"])
    assert caller.id == "user-7"
    assert caller.scopes == {"orders:read"}
    assert idp.introspections() == before


async def test_an_id_token_and_a_refresh_token_are_no_access_tokens(idp: Idp) -> None:
    tokens = await asyncio.to_thread(idp.login, "user-7", OPAQUE)
    async with door(idp) as at:
        assert await at.refused(tokens["id_token"]) == "type"
        assert await at.refused(tokens["refresh_token"]) == "type"
        assert (await at.caller(tokens["access_token"])).id == "user-7"


@pytest.mark.parametrize("resource", [SIGNED, OPAQUE])
async def test_a_client_that_acts_for_nobody_has_a_name_that_no_user_can_have(idp: Idp, resource: str) -> None:
    token = await asyncio.to_thread(idp.client_token, resource)
    async with door(idp) as at:
        assert (await at.caller(token)).id == "client:shop"


async def test_a_hundred_requests_with_one_opaque_token_ask_once(idp: Idp) -> None:
    token = (await asyncio.to_thread(idp.login, "user-8", OPAQUE))["access_token"]
    before = idp.introspections()
    async with door(idp) as at:
        callers = await asyncio.gather(*(at.caller(token) for _ in range(100)))
        assert {caller.id for caller in callers} == {"user-8"}
        assert {caller.scopes for caller in callers} == {frozenset({"orders:read"})}
    assert idp.introspections() == before + 1


async def test_a_revoked_opaque_token_is_refused_within_the_ttl(idp: Idp) -> None:
    token = (await asyncio.to_thread(idp.login, "user-8", OPAQUE))["access_token"]
    async with door(idp) as at:
        assert (await at.caller(token)).id == "user-8"
        await asyncio.to_thread(idp.revoke, token)
        at.clock.at = TTL - 0.1
        assert (await at.caller(token)).id == "user-8"
        at.clock.at = TTL
        assert await at.refused(token) == "inactive"


async def test_a_made_up_opaque_token_is_asked_about_once_in_a_while(idp: Idp) -> None:
    async with door(idp) as at:
        for _ in range(5):
            assert await at.refused("made-up") == "inactive"
        assert at.introspector.asked == 1
        at.clock.at = BAD_TTL
        assert await at.refused("made-up") == "inactive"
        assert at.introspector.asked == 2


async def test_the_gateway_itself_must_be_known_to_the_provider(idp: Idp) -> None:
    """A secret that is wrong is a fault of ours: a 503 and a line in the log, and nobody is logged out by it."""
    async with door(idp) as at:
        ask = HttpAsk(idp.introspection_url, GATEWAY, "not-the-secret")
        asked = Introspector(Server(idp.issuer, "thali"), ask, timeout=5.0)
        with pytest.raises(BackendUnreachable):
            await asked.verify("any")
        await asked.close()
        assert await at.refused("any") == "inactive"


async def test_f42_the_providers_new_key_is_taken_and_its_old_one_is_not_missed(idp: Idp) -> None:
    old = (await asyncio.to_thread(idp.login, "user-7", SIGNED))["access_token"]
    async with door(idp) as at:
        assert (await at.caller(old)).id == "user-7"
        at.clock.at = GAP + 1
        await asyncio.to_thread(idp.rotate)
        new = (await asyncio.to_thread(idp.login, "user-9", SIGNED))["access_token"]
        assert (await at.caller(new)).id == "user-9"
        assert (await at.caller(old)).id == "user-7"


async def test_settings_are_all_it_takes(idp: Idp) -> None:
    token = await asyncio.to_thread(idp.login, "user-7", SIGNED)
    opaque = await asyncio.to_thread(idp.login, "user-8", OPAQUE)
    settings = Settings(
        issuers={"idp": IssuerSettings(issuer=idp.issuer, jwks_url=idp.jwks_url, algorithms=["ES256"])},
        introspection={
            "idp": IntrospectionSettings(
                url=idp.introspection_url,
                issuer=idp.issuer,
                client_id=GATEWAY,
                client_secret=SecretStr(idp.gateway_secret),
                timeout=5.0,
            )
        },
    )
    assert issuers_of(settings.issuers, settings.introspection)[0].jwks_url == idp.jwks_url
    identities = Identities.of(settings)
    await identities.start()
    try:
        for text, who in ((token, "user-7"), (opaque, "user-8")):
            request = Request(scope_of("/", "GET", [("authorization", f"Bearer {text['access_token']}")]), Peer().receive, 0.0)
            await identities.identify(request)
            assert request.caller.id == who
    finally:
        await identities.close()
