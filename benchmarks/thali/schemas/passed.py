"""W1's pass-through variant: the services' own JSON under five keys."""

import strawberry

from bff import Json


@strawberry.type
class Passed:
    user: Json
    orders: Json
    restaurants: Json
    recommendations: Json
    notifications: Json
