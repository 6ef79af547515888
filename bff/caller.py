"""Who asks. Built by the gateway from a verified identity; sections take it by type."""

import msgspec


class Caller(msgspec.Struct, frozen=True, gc=False):
    """The verified caller of a request.

    `id` is the subject of a verified token, or None for a guest; it is never read from a header a client can set.
    `locale`, `device` and `app_version` are the client's own words: hints, never rights. `token` is the bearer token
    itself; it shows in no text of the caller and goes on only if a service asks for it. `key` is the id of the API key
    it came with, if it did.
    """

    id: str | None = None
    app: str = ""
    scopes: frozenset[str] = frozenset()
    locale: str = "en"
    device: str = "unknown"
    app_version: str | None = None
    tenant: str | None = None
    token: str | None = None
    key: str | None = None

    @property
    def guest(self) -> bool:
        return self.id is None

    def has(self, scopes: frozenset[str]) -> bool:
        """Whether the caller holds every one of `scopes`."""
        return scopes <= self.scopes

    def __repr__(self) -> str:
        return f"Caller(id={self.id!r}, app={self.app!r}, scopes={sorted(self.scopes)}, tenant={self.tenant!r})"


GUEST = Caller()
