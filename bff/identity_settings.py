"""Who is believed: [issuers.NAME], [introspection.NAME], [api_keys], [inside]."""

from pathlib import Path

from pydantic import Field, SecretStr

from bff.part import Part


class IssuerSettings(Part):
    """Who may sign the tokens that callers bring."""

    issuer: str = Field(description="the exact `iss` of its tokens")
    jwks_url: str = Field(description="where its public keys are")
    audience: str = Field(default="thali", description="the `aud` that a token must name")
    algorithms: list[str] = Field(default=["ES256", "RS256"], description="asymmetric ones only: the keys are public")
    typ: list[str] = Field(default=["at+jwt"], description="token types taken (RFC 9068); some providers only send JWT")
    tenant_claim: str | None = Field(default=None, description="the claim that tells the caller's tenant, if one does")
    allow_http: bool = Field(default=False, description="plain http to another machine; only where the network is trusted")
    token_url: str | None = Field(default=None, description="demo only: where `bff token` gets a token")


class IntrospectionSettings(Part):
    """A server that is asked about tokens which tell nothing themselves (RFC 7662)."""

    url: str = Field(pattern=r"^https?://[^\s@]+$", description="its introspection endpoint")
    issuer: str = Field(description="who it speaks for; the `iss` of its answers where they have one")
    client_id: str = Field(description="as whom the gateway asks")
    client_secret: SecretStr = Field(description="best given as BFF_INTROSPECTION__NAME__CLIENT_SECRET")
    ttl: float = Field(default=30.0, gt=0, le=300, description="seconds an answer is believed: how late a revocation is seen")
    timeout: float = Field(default=0.5, gt=0, description="seconds for the answer; half a screen's budget")
    allow_http: bool = Field(default=False, description="plain http to another machine; only where the network is trusted")


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
    issuer: str = Field(default="thali", description="the `iss` of the tokens")
    lifetime: float = Field(default=60.0, gt=0, le=300, description="seconds a token is good for; it is used for half of them")
