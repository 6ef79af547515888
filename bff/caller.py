"""Who asks. Built by the gateway from a verified identity; sections take it by type."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified caller of a request.

    `id` is the subject of a verified token, or None for a guest; it is never read from a header a client can set.
    """

    id: str | None = None
    app: str = ""
    scopes: frozenset[str] = frozenset()
    locale: str = "en"
    device: str = "unknown"
    app_version: str | None = None
    tenant: str | None = None
    token: str | None = field(default=None, repr=False)  # the bearer token itself; never logged, goes on only if a service asks

    @property
    def guest(self) -> bool:
        return self.id is None

    def has(self, scopes: frozenset[str]) -> bool:
        """Whether the caller holds every one of `scopes`."""
        return scopes <= self.scopes


GUEST = Caller()
