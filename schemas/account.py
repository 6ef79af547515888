"""The account screen."""

from datetime import datetime

import strawberry

from schemas.people import Tier
from schemas.restaurants import RestaurantCard


@strawberry.type
class Profile:
    """You."""

    id: strawberry.ID
    name: str
    email: str
    phone: str
    tier: Tier
    joined_at: datetime


@strawberry.type
class AddressCard:
    """Where you can be delivered to."""

    id: strawberry.ID
    label: str
    street: str
    postcode: str
    area: str
    default: bool


@strawberry.type
class PaymentMethod:
    """How you can pay."""

    id: strawberry.ID
    kind: str
    label: str
    last4: str
    default: bool


@strawberry.type
class Account:
    """All that we know of you."""

    profile: Profile
    addresses: list[AddressCard]
    favourites: list[RestaurantCard]
    payment_methods: list[PaymentMethod] | None
