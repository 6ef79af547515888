"""Which pages of other origins may call an app, as browsers ask (WHATWG fetch, section 3.2)."""

from collections.abc import Mapping

from bff.faces.answer import Answer
from bff.gateway.match import Routes
from bff.gateway.request import Request
from bff.settings import AppSettings


class Cors:
    """The rules of all apps, by their names."""

    def __init__(self, apps: Mapping[str, AppSettings] | None = None) -> None:
        self._apps = dict(apps or {})

    def preflight(self, request: Request, routes: Routes) -> Answer | None:
        """The answer to a browser's question before its request, or None for what is no such question."""
        return None

    def check(self, request: Request) -> None:
        """Raise the 403 problem for a state change from another site; add what lets an allowed page read the answer."""
