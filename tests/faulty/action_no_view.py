"""An action that gives no View."""

from bff import action
from tests.faulty._app import app


@action("/action_no_view", apps=(app,))
async def no_view() -> str:
    return ""
