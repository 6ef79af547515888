"""An action of no app, whose service is not there; its View has an attribute that a field fills."""

from bff import Client, View, action, field


class Elsewhere(Client, service="elsewhere"):
    pass


class Done(View):
    stars: int | None = None


@field(Done)
async def stars(items: list[Done]) -> list[int]:
    return [1 for _ in items]


@action("action_nowhere", apps=())
async def elsewhere(elsewhere: Elsewhere) -> Done:
    return Done()
