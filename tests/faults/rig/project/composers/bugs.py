"""Screens with the faults that are our own."""

import time

from bff import Screen, needs, section
from tests.faults.rig.project.clients import Account
from tests.faults.rig.project.composers.apps import rig
from tests.faults.rig.project.composers.board import shown
from tests.faults.rig.project.schemas import Shown, Single

BLOCKED = 0.5  # seconds, F48


@section()
async def busy(account: Account) -> Shown:
    """Holds the event loop, as a loop over too much data does."""
    time.sleep(BLOCKED)  # noqa: ASYNC251 - this is the fault
    return shown(await account.part())


block = Screen("/block", Single(part=needs(busy)), apps=(rig,), guests=True)
