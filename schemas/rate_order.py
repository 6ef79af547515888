"""What comes back when an order is rated."""

from datetime import datetime

from bff import ID, View


class OrderRated(View):
    """What you said of the restaurant that cooked it."""

    order_id: ID
    restaurant_id: ID
    rating: int
    text: str
    created_at: datetime
