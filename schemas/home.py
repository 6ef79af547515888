"""The home screens: compact for mobile, rich for web, and one for guests."""

from datetime import datetime

from bff import ID, Json, View
from schemas.orders import ActiveOrder, OrderLine
from schemas.people import ViewerBadge
from schemas.restaurants import RestaurantCard, RestaurantTile


class DeliveryArea(View):
    """Where you are delivered to."""

    name: str
    postcode: str
    label: str


class BannerCard(View):
    """Something that we would like you to know."""

    id: ID
    title: str
    link: str


class Note(View):
    """A message to you."""

    id: ID
    title: str
    text: str
    link: str
    created_at: datetime


class PromotionTile(View):
    """A discount, and where it is given."""

    id: ID
    title: str
    percent: int
    code: str
    restaurant_name: str
    ends_at: datetime


class MobileHome(View):
    """Home on a phone: who you are, your order on its way, where to eat."""

    viewer: ViewerBadge
    delivery_area: DeliveryArea | None
    active_order: ActiveOrder | None
    last_orders: list[OrderLine]
    nearby: list[RestaurantCard]
    picks: list[RestaurantCard]
    banners: list[BannerCard]
    unread: int | None


class WebHome(View):
    """Home on a large screen: the same sections as on a phone and more of them, in larger shapes."""

    viewer: ViewerBadge
    delivery_area: DeliveryArea | None
    active_order: ActiveOrder | None
    last_orders: list[OrderLine]
    nearby: list[RestaurantTile]
    picks: list[RestaurantTile]
    popular: list[RestaurantTile]
    favourites: list[RestaurantTile]
    promotions: list[PromotionTile]
    banners: list[BannerCard]
    notes: list[Note]
    cuisines: Json | None


class GuestHome(View):
    """Home for somebody we do not know yet."""

    popular: list[RestaurantCard]
    banners: list[BannerCard]
    cuisines: Json | None
