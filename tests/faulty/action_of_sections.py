"""An action that needs a section, and a section that has steps of its own."""

from bff import Once, Screen, Steps, View, action, needs, section
from tests.faulty._app import app


class Done(View):
    ok: bool


class Page(View):
    head: str


@section()
async def head(steps: Steps, once: Once) -> str:
    return once.key("x")


@action("/action_of_sections", apps=(app,))
async def of_sections(head: str = needs(head)) -> Done:
    return Done(True)


screen = Screen("/action_of_sections", Page(head=needs(head)), apps=(app,))
