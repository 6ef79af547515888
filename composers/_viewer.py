"""Sections about the caller that several screens share."""

from bff import BackendInvalid, Caller, needs, section
from clients.users import User, Users
from schemas.people import Tier, ViewerBadge


def known(caller: Caller) -> str:
    """The caller's id; these sections stand on no screen that guests may see."""
    if caller.id is None:
        raise TypeError("a section that needs a known caller is on a screen for guests")
    return caller.id


@section(timeout=0.3)
async def profile(users: Users, caller: Caller) -> User:
    """The caller's own record."""
    return await users.profile(known(caller))


@section()
async def tier(user: User = needs(profile)) -> Tier:
    """How good a customer; narrow, so that what depends on it is the same for everybody of a tier."""
    try:
        return Tier(user.tier)
    except ValueError:
        raise BackendInvalid("users", f"tier {user.tier!r}") from None


@section()
async def viewer(user: User = needs(profile), tier: Tier = needs(tier)) -> ViewerBadge:
    """Who you are."""
    return ViewerBadge(name=user.name, tier=tier)
