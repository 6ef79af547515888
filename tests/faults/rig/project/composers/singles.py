"""Screens of one part: other users' screens, which another service's fault must not touch."""

from bff import Screen, needs, section
from tests.faults.rig.project.clients import Account, Payments, Search
from tests.faults.rig.project.composers.apps import rig
from tests.faults.rig.project.composers.board import shown
from tests.faults.rig.project.schemas import Shown, Single


@section()
async def mine(account: Account) -> Shown:
    return shown(await account.part())


@section()
async def found(search: Search) -> Shown:
    return shown(await search.part())


@section()
async def paid(payments: Payments) -> Shown:
    return shown(await payments.part())


account = Screen("/account", Single(part=needs(mine)), apps=(rig,), guests=True)
search = Screen("/search", Single(part=needs(found)), apps=(rig,), guests=True)
# Long enough for a backend that answers after 5 s when nothing cuts it: the cascade's "before".
pay = Screen("/pay", Single(part=needs(paid)), apps=(rig,), guests=True, budget=10.0)
# What people must be able to do on a bad day.
checkout = Screen("/checkout", Single(part=needs(mine)), apps=(rig,), guests=True, priority="critical")
