"""Actions whose path and parameters do not fit, one of them with a body that a DELETE has not."""

from typing import Annotated

from annotated_types import MaxLen

from bff import View, action
from tests.faulty._app import app


class Done(View):
    ok: bool


@action("/action_path/{order_id}", apps=(app,))
async def nothing_takes_it() -> Done:
    return Done(True)


@action("/action_path/{order_id}/some/{tag}", apps=(app,), method="DELETE")
async def with_body(reason: Annotated[str, MaxLen(9)], tag: Annotated[list[str], MaxLen(3)], order_id: str = "7") -> Done:
    return Done(True)
