"""The account screen."""

from datetime import datetime

from bff import ID, View
from schemas.people import Tier
from schemas.restaurants import RestaurantCard


class Profile(View):
    """You."""

    id: ID
    name: str
    email: str
    phone: str
    tier: Tier
    joined_at: datetime


class AddressCard(View):
    """Where you can be delivered to."""

    id: ID
    label: str
    street: str
    postcode: str
    area: str
    default: bool


class PaymentMethod(View):
    """How you can pay."""

    id: ID
    kind: str
    label: str
    last4: str
    default: bool


class Account(View):
    """All that we know of you."""

    profile: Profile
    addresses: list[AddressCard]
    favourites: list[RestaurantCard]
    payment_methods: list[PaymentMethod] | None
