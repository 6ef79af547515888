"""The pages that problem documents point to by their `type` (RFC 9457 section 3.1.1 asks that it be readable)."""

from html import escape

from bff.apps import Identity
from bff.faces.answer import Answer
from bff.faces.problems import KINDS, Problem
from bff.gateway.request import Request
from bff.priority import Priority

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>
<h1>{status} {title}</h1><p>{page}</p>"""


class ProblemPages:
    """GET /problems/{kind}: what it means and what to do."""

    template = "/problems/{kind}"
    name = "problems"
    app = ""
    owner = "gateway"
    identities: frozenset[Identity] = frozenset({"bearer", "api_key"})
    counted = True
    account = None
    methods = ("GET", "HEAD")
    guests = True
    scopes: frozenset[str] = frozenset()
    priority: Priority = "low"

    async def answer(self, request: Request) -> Answer:
        kind = KINDS.get(request.path["kind"])
        if kind is None:
            raise Problem("not-found", f"the problems are: {', '.join(KINDS)}")
        page = _PAGE.format(title=escape(kind.title), status=kind.status, page=escape(kind.page))
        return Answer(200, page.encode(), b"text/html; charset=utf-8")
