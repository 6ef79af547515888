"""What the stages of the front door share: the store, the limiter over it, who is believed, and what is told inside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from bff.apps import App, Identity
from bff.errors import Refusal
from bff.gateway.address import Proxies
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.identify import Identities
from bff.gateway.quota import Quota
from bff.gateway.quota_built_in import or_built_in
from bff.gateway.request import Endpoint
from bff.identity.internal_token import Inside
from bff.identity.weak import why_weak
from bff.settings import Settings
from bff.state.limiter import Limiter
from bff.state.limits_fleet import Fleet
from bff.state.open import state_of
from bff.state.store import Scripts, Store
from bff.upstream.call import Headers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Front:
    """`start` it in the worker's loop, `close` it in the end."""

    store: Store
    limiter: Limiter
    identities: Identities
    inside: Inside | None
    proxies: Proxies

    @classmethod
    def of(cls, settings: Settings, apps: Iterable[App]) -> "Front":
        """As the settings have it; raises Refusal with the faults of all of them."""
        faults: list[str] = []
        store = state_of(settings.state)
        scripts = cast(Scripts, store) if store.shared else None  # what is shared is Redis, which runs scripts
        proofs: set[Identity] = {proof for app in apps for proof in app.identities}
        identities = _or_faults(lambda: Identities.of(settings, store, proofs=proofs), faults)
        inside = _or_faults(lambda: Inside.of_settings(settings), faults)
        password = settings.state.password
        if password is not None and (weak := why_weak(password.get_secret_value())):
            faults.append(f"state.password {weak}")
        proxies = _or_faults(lambda: Proxies(settings.server.trusted_proxies), faults)
        if faults or identities is None or proxies is None:
            raise Refusal(faults)
        return cls(store, Limiter(scripts, Fleet(scripts) if scripts else None), identities, inside, proxies)

    @property
    def nobody(self) -> Callable[[str], Headers] | None:
        """What a service is told when the gateway asks for several callers at once."""
        return None if self.inside is None else self.inside.nobody

    def quota_of(self, settings: Settings, endpoints: Sequence[Endpoint], absent: frozenset[str] = frozenset()) -> Quota:
        """The policies over these endpoints; those of apps that are `absent` here are served elsewhere.

        GraphQL charges by itself what an operation asks for, so it is told of them.
        """
        limits = or_built_in(settings.rate_limits)
        quota = Quota(self.limiter, limits, endpoints, max_body=settings.limits.max_body, absent=absent)
        for endpoint in endpoints:
            if isinstance(endpoint, GraphQLEndpoint):
                endpoint.quota = quota
        return quota

    async def start(self) -> None:
        """Raises Refusal for a Redis that is too old; one that is down is no fault."""
        await self.store.start()
        await self.limiter.start()

    async def close(self) -> None:
        await self.limiter.close()
        await self.identities.close()
        await self.store.close()


def _or_faults(make: Callable[[], T], faults: list[str]) -> T | None:
    try:
        return make()
    except Refusal as refused:
        faults += refused.faults
        return None
