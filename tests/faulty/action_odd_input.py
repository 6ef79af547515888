"""An action that takes what no client can send, and a View without end."""

from typing import Annotated

from annotated_types import MaxLen

from bff import View, action
from tests.faulty._app import app


class Reply(View):
    below: "Annotated[list[Reply], MaxLen(3)]"


class Done(View):
    ok: bool


@action("/action_odd_input", apps=(app,))
async def odd(sent: object, reply: Reply) -> Done:
    return Done(True)
