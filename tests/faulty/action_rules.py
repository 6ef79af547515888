"""An action whose rules contradict each other or themselves."""

from bff import View, action
from tests.faulty._app import app


class Done(View):
    ok: bool


@action("/action_rules", apps=(app,), method="GET", guests=True, idempotent=True, budget=0, status=204)  # type: ignore[arg-type]
async def rules() -> Done:
    return Done(True)
