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
    (default: its name), `version` the segment before its screens' paths. `retired` are the versions that there once were:
    what is asked of them is answered 410, for clients that were never updated. `owner` is the team to call: `bff check`
    refuses an app without one. `identities` are the proofs it takes: tokens (`bearer`: signed ones, or opaque ones that an
    introspection server knows) and partners' keys (`api_key`).
    """

    name: str
    prefix: str = ""
    version: str = "v1"
    title: str = ""
    owner: str = ""
    retired: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ("bearer",)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"App({self.name!r}): a name is lower case, begins with a letter and has up to 31 characters")
        if self.version in self.retired:
            raise ValueError(f"App({self.name!r}): its version {self.version!r} is among the retired ones; take it out of them")
        object.__setattr__(self, "prefix", "/" + (self.prefix or self.name).strip("/"))

    def path(self, screen_path: str) -> str:
        """Where a screen of this app is served."""
        return f"{self.prefix}/{self.version}{screen_path}"

    def retired_paths(self) -> dict[str, str]:
        """The paths that its retired versions lived under, each with what to use in their place."""
        return {f"{self.prefix}/{version}": f"{self.prefix}/{self.version}" for version in self.retired}

    @property
    def graphql_path(self) -> str:
        return f"{self.prefix}/graphql"
