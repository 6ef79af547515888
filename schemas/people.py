"""Callers and authors."""

from enum import Enum

import strawberry


@strawberry.enum
class Tier(Enum):
    """How good a customer somebody is; what they are recommended depends on it."""

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"


@strawberry.type
class ViewerBadge:
    """Who you are, at the top of a home screen."""

    name: str
    tier: Tier


@strawberry.type
class Author:
    """Who wrote a review, by first name only."""

    id: strawberry.ID
    name: str
