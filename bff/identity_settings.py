"""Who is believed: [issuers.NAME], [introspection.NAME], [api_keys], [inside]."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr

from bff.part import Part


class IssuerSettings(Part):
    """Who may sign the tokens that callers bring."""

    issuer: str = Field(description="the exact `iss` of its tokens")
    jwks_url: str | None = Field(default=None, description="where its public keys are")
    secret: SecretStr | None = Field(
        default=None,
        description="instead of jwks_url, for HS256 and its like: 32 bytes or more, best given as BFF_ISSUERS__NAME__SECRET",
    )
    audience: str = Field(default="thali", description="the `aud` that a token must name")
    algorithms: list[str] = Field(
        default=["ES256", "RS256"], description="asymmetric ones where the keys are public; HS* only with a secret"
    )
    typ: list[str] = Field(default=["at+jwt"], description="token types taken (RFC 9068); some providers only send JWT")
    rights_claim: str | None = Field(
        default=None,
        description="the claim with the caller's rights, words or a list: scp, roles, permissions, realm_access.roles; "
        "none: scope, else scp",
    )
    claims: dict[str, str] = Field(
        default={},
        description='claims that must have exactly this value, or have it in their list: {tid = "...", azp = "shop"}',
    )
    tenant: str | None = Field(default=None, description="the tenant of everyone it vouches for, where it is one's own")
    tenant_claim: str | None = Field(default=None, description="the claim that tells the caller's tenant, if one does")
    subject_prefix: str | None = Field(
        default=None,
        description="stands before its subjects in `Caller.id`. Needed with a second issuer, so that two people called 7 stay "
        'two; "" says that they are the same people',
    )
    leeway: float = Field(
        default=30.0, ge=0, le=300, description="seconds that its clock and ours may differ; NTP keeps them far closer"
    )
    max_lifetime: float = Field(
        default=86400.0, gt=0, description="seconds from `iat` to `exp` at most: a stolen token should not outlive the day"
    )
    allow_http: bool = Field(default=False, description="plain http to another machine; only where the network is trusted")
    token_url: str | None = Field(default=None, description="demo only: where `bff token` gets a token")


class IntrospectionSettings(Part):
    """A server that is asked about tokens which tell nothing themselves (RFC 7662)."""

    url: str = Field(pattern=r"^https?://[^\s@]+$", description="its introspection endpoint")
    issuer: str = Field(description="who it speaks for; the `iss` of its answers where they have one")
    client_id: str = Field(min_length=1, description="as whom the gateway asks")
    client_secret: SecretStr = Field(description="best given as BFF_INTROSPECTION__NAME__CLIENT_SECRET")
    audience: str = Field(
        default="thali", description='the `aud` that an answer must name; "" only for a server that tells none'
    )
    typ: list[str] = Field(
        default=["Bearer"],
        description='the `token_type` of an answer; with "" it may be absent, and a refresh token may pass for another',
    )
    rights_claim: str | None = Field(default=None, description="the member with the caller's rights; none: scope")
    tenant: str | None = Field(default=None, description="the tenant of everyone it vouches for, where it is one's own")
    tenant_claim: str | None = Field(default=None, description="the member that tells the caller's tenant, if one does")
    subject_prefix: str | None = Field(default=None, description="as in [issuers.NAME]")
    token_prefix: str = Field(
        default="", description="how its tokens begin: with several servers, so that none is shown another's tokens"
    )
    ttl: float = Field(default=30.0, gt=0, le=300, description="seconds an answer is believed: how late a revocation is seen")
    timeout: float = Field(default=0.5, gt=0, description="seconds for the answer; half a screen's budget")
    allow_http: bool = Field(default=False, description="plain http to another machine; only where the network is trusted")

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            self.token_prefix.startswith("eyJ"),
            "token_prefix = 'eyJ' begins a signed token, which is never shown to a server; name its issuer under [issuers], "
            "or how the opaque tokens begin",
        )


class ApiKeySettings(Part):
    """Keys for partners' programs, made with `bff keys new`."""

    file: Path | None = Field(
        default=None, description="where the hashes of the keys are kept; none: in the state store, if that is Redis"
    )
    ttl: float = Field(default=10.0, gt=0, le=30, description="seconds a key is believed unseen: how late a revocation is seen")


class InsideSettings(Part):
    """The gateway's own word to the services about who asks: [services.NAME] identity = "token"."""

    key_file: Path | None = Field(
        default=None,
        description="an Ed25519 private key (PEM); made at the first start where there is none, readable by its owner only",
    )
    published: list[Path] = Field(
        default=[],
        max_length=8,
        description="further keys (PEM) in the published set, the last one's and the next one's: a new key_file is published "
        "here first, until every service has fetched it (5 minutes), and the old one stays for a minute more",
    )
    issuer: str = Field(default="thali", min_length=1, description="the `iss` of the tokens")
    lifetime: float = Field(
        default=60.0, ge=10, le=60, description="seconds a token is good for; it is used for half of them, so clocks may differ"
    )

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            bool(self.published) and self.key_file is None,
            "published without key_file; without a key to sign with no set is published: give key_file, or take it out",
        )
