"""Actions that take texts and lists without a limit, at the top and inside a View."""

from bff import View, action
from tests.faulty._app import app


class Line(View):
    text: str
    tags: list[int]


class Done(View):
    ok: bool


@action("/action_unbounded", apps=(app,))
async def unbounded(note: str, ids: list[int], line: Line | None = None) -> Done:
    return Done(True)
