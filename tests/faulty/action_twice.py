"""Two actions of one name, of which two have one path and method, beside a third with another method."""

from bff import View, action
from tests.faulty._app import app


class Done(View):
    ok: bool


@action("/action_twice/{one}", apps=(app,))
async def first(one: str) -> Done:
    return Done(True)


@action("/action_twice/{other}", apps=(app,), name="second")
async def same_path(other: str) -> Done:
    return Done(True)


@action("/action_twice/{one}", apps=(app,), method="PUT", name="first")
async def same_name(one: str) -> Done:
    return Done(True)
