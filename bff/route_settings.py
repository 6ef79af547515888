"""[routes.NAME] and [apps.NAME]: what goes on as it is, and whose pages may call."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from bff.part import Part
from bff.priority import Priority

# Visible ASCII without query, fragment or parameter: a route is exact on both sides.
PLAIN_PATH = r"^/[!-\x22$->@-z|~]*$"

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Of the other methods' requests no body is read.
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class RouteSettings(Part):
    """One path that goes to one service as it is."""

    path: str = Field(pattern=PLAIN_PATH, description="the public path, exact")
    service: str = Field(description="the service that answers")
    to: str = Field(pattern=PLAIN_PATH, description="the backend's path")
    methods: list[Method] = Field(default=["GET"], min_length=1, description="the methods that go on")
    guests: bool = Field(default=False, description="whether callers without an identity may use it")
    scopes: list[str] = Field(default=[], description="what a caller must hold to use it")
    priority: Priority = Field(default="normal", description="what is kept when not all can be served; login is critical")
    owner: str = Field(default="", description="the team to call; `bff check` refuses a route without one")
    app: str = Field(default="", description="the app whose pages may call it ([apps.NAME] origins); none: no other origin")
    account: str | None = Field(
        default=None, description="the member of the JSON body that names an account (email): for limits by `account`"
    )
    api_keys: bool = Field(default=False, description="whether callers with an API key may use it")

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            self.guests and bool(self.scopes),
            "guests hold no scopes, so none of them could use it; take guests or scopes out",
        )
        yield (
            self.account is not None and not _WITH_BODY & set(self.methods),
            "account is a member of the body, which none of its methods has; add POST, PUT or PATCH, or take it out",
        )


class AppSettings(Part):
    """What of an app differs from place to place."""

    origins: list[str] = Field(
        default=[],
        description="web pages (https://shop.example) whose scripts may call this app; none: no page of another origin",
    )
    credentials: bool = Field(default=False, description="whether those pages may send cookies; needs origins by name")

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        yield (
            self.credentials and not self.origins,
            "credentials without origins; no page of another origin calls it: name the origins, or take it out",
        )
        for origin in self.origins:
            yield (
                _port_is_odd(origin),
                f"'{origin}' is no origin as browsers send it: they leave the scheme's own port out, and none is over 65535; "
                "mend its port",
            )


def _port_is_odd(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.port is not None and parts.port in (0, _DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return True
