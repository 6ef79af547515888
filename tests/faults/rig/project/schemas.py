"""The rig's screens: what they show."""

import strawberry


@strawberry.type
class Card:
    id: str
    title: str


@strawberry.type
class Shown:
    """A part as it is shown, and which copy of its service it came from."""

    service: str
    copy: int
    cards: list[Card]


@strawberry.type
class Board:
    """Two parts that it cannot do without, and three that it can."""

    account: Shown
    cart: Shown
    picks: Shown | None
    ratings: Shown | None
    news: Shown | None


@strawberry.type
class Single:
    """One required part."""

    part: Shown
