"""`App`: one per-client BFF, with its own screens, schema and docs."""

import re
from dataclasses import dataclass
from typing import Literal

Identity = Literal["bearer", "api_key"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}\Z")


@dataclass(frozen=True, slots=True)
class App:
    """One per-client BFF: `mobile = App("mobile")` has its screens under /mobile/v1 and its GraphQL at /mobile/graphql.

    `name` is short and lower case: it stands in paths, tokens, logs and metrics. `prefix` is the path it lives under
    (default: its name), `version` the segment before its screens' paths. `owner` is the team to call: `bff check`
    refuses an app without one. `identities` are the proofs it takes: tokens (`bearer`: signed ones, or opaque ones that an
    introspection server knows) and partners' keys (`api_key`).
    """

    name: str
    prefix: str = ""
    version: str = "v1"
    title: str = ""
    owner: str = ""
    identities: tuple[Identity, ...] = ("bearer",)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"App({self.name!r}): a name is lower case, begins with a letter and has up to 31 characters")
        object.__setattr__(self, "prefix", "/" + (self.prefix or self.name).strip("/"))

    def path(self, screen_path: str) -> str:
        """Where a screen of this app is served."""
        return f"{self.prefix}/{self.version}{screen_path}"

    @property
    def graphql_path(self) -> str:
        return f"{self.prefix}/graphql"
