"""Sections about the caller that several screens share."""

from bff import Caller, needs, section
from clients.restaurants import Restaurant, Restaurants
from clients.users import User, Users
from composers._shapes import one_of
from schemas.people import Tier, ViewerBadge

# More than a screenful, and one call to the service.
MOST_FAVOURITES = 50


def known(caller: Caller) -> str:
    """The caller's id; these sections stand on no screen that guests may see."""
    if caller.id is None:
        raise TypeError("a section that needs a known caller is on a screen for guests")
    return caller.id


@section(timeout=0.3)
async def user_record(users: Users, caller: Caller) -> User:
    """The caller's own record."""
    return await users.profile(known(caller))


@section()
async def tier(user: User = needs(user_record)) -> Tier:
    """How good a customer; narrow, so that what depends on it is the same for everybody of a tier."""
    return one_of(Tier, user.tier, "users")


@section()
async def viewer(user: User = needs(user_record), tier: Tier = needs(tier)) -> ViewerBadge:
    """Who you are."""
    return ViewerBadge(name=user.name, tier=tier)


@section(timeout=0.3)
async def liked_ids(users: Users, caller: Caller) -> list[str]:
    """Where the caller likes to eat, the latest first."""
    return (await users.favourite_ids(known(caller)))[:MOST_FAVOURITES]


@section(timeout=0.35)
async def liked(restaurants: Restaurants, ids: list[str] = needs(liked_ids)) -> list[Restaurant]:
    """The restaurants themselves; what has closed since is left out."""
    found = await restaurants.known.many(ids)
    return [found[restaurant_id] for restaurant_id in ids if restaurant_id in found]
