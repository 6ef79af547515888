"""The screen that most faults are tried on: five parts, two of them required, in a budget of one second.

`tight` is the same with a timeout of one part's own, which is the other thing that may cut a call.
"""

from bff import Screen, needs, section
from tests.faults.rig.project.clients import Account, Cart, News, Part, Picks, Ratings
from tests.faults.rig.project.composers.apps import rig
from tests.faults.rig.project.schemas import Board, Card, Shown

PART_TIMEOUT = 0.4


def shown(part: Part) -> Shown:
    return Shown(service=part.service, copy=part.copy, cards=[Card(id=item.id, title=item.title) for item in part.items])


@section()
async def account(account: Account) -> Shown:
    return shown(await account.part())


@section()
async def cart(cart: Cart) -> Shown:
    return shown(await cart.part())


@section(fallback=None)
async def picks(picks: Picks) -> Shown:
    return shown(await picks.part())


@section(fallback=None)
async def ratings(ratings: Ratings) -> Shown:
    return shown(await ratings.part())


@section(fallback=None)
async def news(news: News) -> Shown:
    return shown(await news.part())


@section(fallback=None, timeout=PART_TIMEOUT)
async def tight_picks(picks: Picks) -> Shown:
    return shown(await picks.part())


board = Screen(
    "/board",
    Board(account=needs(account), cart=needs(cart), picks=needs(picks), ratings=needs(ratings), news=needs(news)),
    apps=(rig,),
    guests=True,
)
tight = Screen(
    "/tight",
    Board(account=needs(account), cart=needs(cart), picks=needs(tight_picks), ratings=needs(ratings), news=needs(news)),
    apps=(rig,),
    guests=True,
)
