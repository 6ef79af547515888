"""W1's pass-through variant: the services' own JSON under five keys."""

from bff import Json, View


class Passed(View):
    user: Json
    orders: Json
    restaurants: Json
    recommendations: Json
    notifications: Json
