"""What an introspection server's answer must say before it makes a caller (RFC 7662 section 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from bff.identity.claims import FOREIGN, LATEST, Claims, audiences, kept, moment, rights, subject, text
from bff.identity.issuer import KEPT, LEEWAY, OURS
from bff.identity.unauthenticated import Unauthenticated


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask and what its answers must say; `token_prefix` is how its tokens begin. See IntrospectionSettings."""

    issuer: str
    audience: str
    typ: tuple[str, ...] = ("bearer",)  # in lower case; "" takes an answer without token_type
    rights_claim: str | None = None
    tenant: str | None = None
    tenant_claim: str | None = None
    subject_prefix: str = ""
    reserved: tuple[str, ...] = OURS
    token_prefix: str = ""
    leeway: float = LEEWAY


def claims_of(answer: Mapping[str, object], server: Server, wall: float) -> Claims:
    """An answer of RFC 7662 section 2.2 as claims. Raises Unauthenticated for "no", and for a yes to something else."""
    if answer["active"] is not True:
        raise Unauthenticated("inactive")
    typ = answer.get("token_type", "")
    if not isinstance(typ, str) or typ.lower() not in server.typ or not FOREIGN.isdisjoint(answer):
        raise Unauthenticated("type")
    if answer.get("iss", server.issuer) != server.issuer:
        raise Unauthenticated("issuer")
    if server.audience and server.audience not in audiences(answer.get("aud", [])):
        raise Unauthenticated("audience")
    ends = moment(answer["exp"]) if "exp" in answer else LATEST
    if ends <= wall:
        raise Unauthenticated("expired")
    if "nbf" in answer and moment(answer["nbf"]) > wall + server.leeway:
        raise Unauthenticated("not-yet")
    client = answer.get("client_id")  # it stands for itself where no `sub` is told (client credentials)
    return Claims(
        subject=subject(answer.get("sub", client), client, server.subject_prefix, server.reserved),
        issuer=server.issuer,
        scopes=rights(answer, server.rights_claim or "scope"),
        tenant=server.tenant if server.tenant_claim is None else text(answer.get(server.tenant_claim)),
        expires_at=ends,
        raw=kept(answer, KEPT),
        issued_at=moment(answer["iat"]) if "iat" in answer else 0,
    )
