"""Placing an order: what is sent, and what comes back."""

from datetime import datetime
from enum import Enum
from typing import Annotated

from annotated_types import Ge, Le

from bff import ID, View
from schemas.money import Money


class DeliveryStatus(Enum):
    """How far the courier is with an order."""

    ASSIGNED = "ASSIGNED"
    WAITING = "WAITING"
    UNDER_WAY = "UNDER_WAY"
    DELIVERED = "DELIVERED"


class OrderItem(View):
    """So much of a dish."""

    dish_id: ID
    quantity: Annotated[int, Ge(1), Le(50)]


class OrderPlaced(View):
    """An order that is paid and has a courier."""

    order_id: ID
    status: DeliveryStatus
    estimated_delivery: datetime
    total: Money
