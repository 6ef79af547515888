"""From [issuers], [introspection] and [api_keys] to what checks credentials; every fault at once, each with its place."""

from collections.abc import Iterator, Mapping

from bff.errors import Refusal
from bff.identity.api_keys import ApiKeys
from bff.identity.asking import HttpAsk
from bff.identity.introspected import Server
from bff.identity.introspection import Introspection, Introspector
from bff.identity.issuer import OURS, Issuer, address_faults
from bff.identity.key_file import FiledKeys
from bff.identity.key_home import KeyHome, StoredKeys
from bff.identity.revocations import Revocations
from bff.identity.weak import why_weak
from bff.identity_settings import ApiKeySettings, IntrospectionSettings, IssuerSettings
from bff.state.store import Store

_Vouching = IssuerSettings | IntrospectionSettings


def issuers_of(issuers: Mapping[str, IssuerSettings], introspection: Mapping[str, IntrospectionSettings]) -> list[Issuer]:
    """The issuers of signed tokens. Raises Refusal for one that is unsafe, and for two whose users could not be told apart."""
    vouching: dict[str, _Vouching] = {f"introspection.{name}": one for name, one in introspection.items()}
    vouching.update({f"issuers.{name}": one for name, one in issuers.items()})
    faults = list(_prefix_faults(vouching))
    made: list[Issuer] = []
    for name, found in issuers.items():
        try:
            made.append(_issuer(found, _reserved(found, issuers, introspection)))
        except Refusal as refused:
            faults += [f"issuers.{name}: {fault}" for fault in refused.faults]
    if faults:
        raise Refusal(faults)
    return made


def introspection_of(
    introspection: Mapping[str, IntrospectionSettings],
    issuers: Mapping[str, IssuerSettings],
    revocations: Revocations | None = None,
) -> Introspection | None:
    """Whom to ask about tokens that are not signed; None where nobody is. Raises Refusal."""
    faults = [fault for name, found in introspection.items() for fault in _asking_faults(f"introspection.{name}", found)]
    faults += _token_prefix_faults(introspection)
    if faults:
        raise Refusal(faults)
    servers = [
        Introspector(
            _server(found, _reserved(found, issuers, introspection)),
            HttpAsk(found.url, found.client_id, found.client_secret.get_secret_value()),
            ttl=found.ttl,
            timeout=found.timeout,
            revocations=revocations,
        )
        for found in introspection.values()
    ]
    return Introspection(servers) if servers else None


def key_home_of(settings: ApiKeySettings, store: Store | None) -> KeyHome | None:
    """Where API keys are kept; None where there is no place for them."""
    if settings.file is not None:
        return FiledKeys(settings.file)
    return StoredKeys(store) if store is not None and store.shared else None


def api_keys_of(settings: ApiKeySettings, store: Store | None) -> ApiKeys | None:
    """What checks API keys; None where there is no place for them."""
    home = key_home_of(settings, store)
    return None if home is None else ApiKeys(home, ttl=settings.ttl)


def _issuer(found: IssuerSettings, reserved: tuple[str, ...]) -> Issuer:
    return Issuer(
        name=found.issuer,
        audience=found.audience,
        algorithms=tuple(found.algorithms),
        jwks_url=found.jwks_url,
        secret=None if found.secret is None else found.secret.get_secret_value().encode(),
        typ=tuple(found.typ),
        leeway=found.leeway,
        max_lifetime=found.max_lifetime,
        tenant=found.tenant,
        tenant_claim=found.tenant_claim,
        rights_claim=found.rights_claim,
        claims=tuple(found.claims.items()),
        subject_prefix=found.subject_prefix or "",
        reserved=reserved,
        allow_http=found.allow_http,
    )


def _server(found: IntrospectionSettings, reserved: tuple[str, ...]) -> Server:
    return Server(
        issuer=found.issuer,
        audience=found.audience,
        typ=tuple(typ.lower() for typ in found.typ),
        rights_claim=found.rights_claim,
        tenant=found.tenant,
        tenant_claim=found.tenant_claim,
        subject_prefix=found.subject_prefix or "",
        reserved=reserved,
        token_prefix=found.token_prefix,
    )


def _prefix_faults(vouching: Mapping[str, _Vouching]) -> Iterator[str]:
    """`sub` is one issuer's own name for somebody (RFC 7519 section 4.1.2): 7 of one and 7 of another are two people."""
    taken: dict[str, tuple[str, _Vouching]] = {}
    for place, one in vouching.items():
        other_place, other = taken.setdefault(one.subject_prefix or "", (place, one))
        if other.issuer != one.issuer and (one.subject_prefix is None or other.subject_prefix is None):
            yield (
                f"{place}: its users could be taken for those of {other_place}: give one of them a subject_prefix, such as "
                '"partner:", or both subject_prefix = "" if they are the same people'
            )


def _reserved(
    own: _Vouching, issuers: Mapping[str, IssuerSettings], introspection: Mapping[str, IntrospectionSettings]
) -> tuple[str, ...]:
    """How no subject of this one may begin: like our own names, and like another's subjects."""
    mine = own.subject_prefix or ""
    vouching: list[_Vouching] = [*issuers.values(), *introspection.values()]
    others = (one.subject_prefix or "" for one in vouching)
    return (*OURS, *sorted({other for other in others if len(other) > len(mine) and other.startswith(mine)}))


def _asking_faults(place: str, found: IntrospectionSettings) -> Iterator[str]:
    for fault in address_faults("url", found.url, found.allow_http):
        yield f"{place}: {fault}"
    if weak := why_weak(found.client_secret.get_secret_value()):
        yield f"{place}: client_secret {weak}"
    if found.tenant is not None and found.tenant_claim is not None:
        yield f"{place}: tenant and tenant_claim are both given: keep one"
    if not found.typ:
        yield f'{place}: typ is empty: name the token types to take, such as ["Bearer"]'


def _token_prefix_faults(introspection: Mapping[str, IntrospectionSettings]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, found in introspection.items():
        other = taken.setdefault(found.token_prefix, name)
        if other != name:
            yield (
                f"introspection.{name}: it would be shown the tokens of introspection.{other}: say by token_prefix how the "
                "tokens of each begin"
            )
