"""Callers and authors."""

from enum import Enum

from bff import ID, View


class Tier(Enum):
    """How good a customer somebody is; what they are recommended depends on it."""

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"


class ViewerBadge(View):
    """Who you are, at the top of a home screen."""

    name: str
    tier: Tier


class Author(View):
    """Who wrote a review, by first name only."""

    id: ID
    name: str
