"""Running an action of the demo with fakes, as the gateway would: when it fails, what it has done is undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bff import Action, Client, Once
from bff.composition.action_plan import plan_action
from bff.composition.action_run import Performed, perform
from bff.deadline import Deadline
from bff.testing import ManualClock
from bff.upstream.scope import RequestScope
from tests.composers.fakes import ADA, Call, Ways, healthy

BUDGET = 4.0


async def performed(
    action: Action[..., Any],  # Any: of whatever it takes and gives
    inputs: Mapping[str, object],
    *special: Ways,
    key: str = "k",
    clock: ManualClock | None = None,
) -> tuple[Performed, list[Call]]:
    """How it ended for user 7, and all calls that were made, in their order."""
    clock = clock or ManualClock()
    fakes: Sequence[Ways] = healthy(*special)
    calls: list[Call] = []
    for fake in fakes:
        fake.calls = calls

    def client_of(cls: type[Client]) -> Client:
        return next(fake for fake in fakes if isinstance(fake, cls))

    running = perform(
        plan_action(action),
        inputs=dict(inputs),
        caller=ADA,
        once=Once(key),
        deadline=Deadline(clock.now() + BUDGET, clock.now),
        client_of=client_of,
        scope=RequestScope(),
        clock=clock,
    )
    return await clock.drive(running), calls


def names(calls: Sequence[Call]) -> list[str]:
    return [name for name, _ in calls]
