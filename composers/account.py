"""Account: all that we know of you."""

from bff import ID, Caller, Screen, needs, section
from clients.payments import Payments
from clients.restaurants import Restaurant
from clients.users import User, Users
from composers._shapes import cards
from composers._viewer import known, liked, tier, user_record
from composers.apps import mobile, web
from schemas.account import Account, AddressCard, PaymentMethod, Profile
from schemas.people import Tier
from schemas.restaurants import RestaurantCard


@section()
async def you(user: User = needs(user_record), tier: Tier = needs(tier)) -> Profile:
    """You."""
    return Profile(
        id=ID(user.id),
        name=user.name,
        email=user.email,
        phone=user.phone,
        tier=tier,
        joined_at=user.joined_at,
    )


@section(timeout=0.4, fallback=list[AddressCard])
async def addresses(users: Users, caller: Caller) -> list[AddressCard]:
    """Where you can be delivered to, the usual one first."""
    return [
        AddressCard(
            id=ID(address.id),
            label=address.label,
            street=address.street,
            postcode=address.postcode,
            area=address.area,
            default=address.is_default,
        )
        for address in await users.addresses(known(caller))
    ]


@section(fallback=list[RestaurantCard])
async def favourites(found: list[Restaurant] = needs(liked)) -> list[RestaurantCard]:
    """Where you like to eat, the latest first."""
    return cards(found)


@section(timeout=0.5, fallback=None, scopes=["payments:read"])
async def payment_methods(payments: Payments, caller: Caller) -> list[PaymentMethod]:
    """How you can pay; null when payments cannot tell, which is not the same as none."""
    return [
        PaymentMethod(
            id=ID(method.id),
            kind=method.kind,
            label=method.label,
            last4=method.last4,
            default=method.default,
        )
        for method in await payments.methods(known(caller))
    ]


account = Screen(
    "/account",
    Account(
        profile=needs(you),
        addresses=needs(addresses),
        favourites=needs(favourites),
        payment_methods=needs(payment_methods),
    ),
    apps=(mobile, web),
    scopes=["profile"],
)
