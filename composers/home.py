"""Home: who you are, what is on its way, where to eat. Compact on a phone, rich in a browser, and one for guests."""

from bff import ID, Caller, Json, Screen, field, needs, section
from clients.delivery import Delivery
from clients.geocoder import Geocoder
from clients.notifications import Banner, Notification, Notifications
from clients.orders import Orders
from clients.restaurants import Restaurant, Restaurants
from clients.users import Address, Users
from composers._shapes import cards, minutes, money, one_of, tiles
from composers._viewer import known, liked, tier, viewer
from composers.apps import mobile, web
from schemas.home import BannerCard, DeliveryArea, GuestHome, MobileHome, Note, PromotionTile, WebHome
from schemas.orders import ActiveOrder, OrderLine, OrderStatus
from schemas.people import Tier
from schemas.restaurants import RestaurantCard, RestaurantTile

# What fits a screen: a phone shows three rows at once, a browser a dozen tiles.
ON_PHONE = 8
IN_BROWSER = 24
GUESTS = "GUEST"


# Steps: what several sections need, fetched once, shown by none. They have no fallback: a step that fell back would leave
# the sections that need it none the wiser, and the client would be told that all is well.


@section(timeout=0.3)
async def default_address(users: Users, caller: Caller) -> Address | None:
    """Where the caller usually is."""
    found = await users.addresses(known(caller))
    return found[0] if found else None


@section(timeout=0.35)
async def around(restaurants: Restaurants, address: Address | None = needs(default_address)) -> list[Restaurant]:
    """Restaurants near the caller, the best known ones where we do not know where that is."""
    if address is None:
        return await restaurants.popular(IN_BROWSER)
    return await restaurants.near(address.area, IN_BROWSER)


@section(timeout=0.35)
async def recommended(restaurants: Restaurants, tier: Tier = needs(tier)) -> list[Restaurant]:
    """The same for everybody of a tier."""
    return await restaurants.recommended(tier.value, IN_BROWSER)


@section(timeout=0.35)
async def best_known(restaurants: Restaurants) -> list[Restaurant]:
    return await restaurants.popular(IN_BROWSER)


@section(timeout=0.3)
async def unread_notes(notifications: Notifications, caller: Caller) -> list[Notification]:
    return await notifications.unread(known(caller), IN_BROWSER)


# Sections of both homes.


@section(timeout=0.3, fallback=None)
async def delivery_area(geocoder: Geocoder, address: Address | None = needs(default_address)) -> DeliveryArea | None:
    """Where you are delivered to."""
    if address is None:
        return None
    area = await geocoder.area(address.area)
    return DeliveryArea(name=area.name, postcode=area.postcode, label=address.label)


@section(timeout=0.35, fallback=None, scopes=["orders:read"])
async def active_order(orders: Orders, caller: Caller) -> ActiveOrder | None:
    """The order that is on its way."""
    found = await orders.active(known(caller))
    if not found:
        return None
    newest = found[0]
    status = one_of(OrderStatus, newest.status, "orders")
    return ActiveOrder(id=ID(newest.id), status=status, total=money(newest.total))


@field(ActiveOrder, timeout=0.3)  # not in the section, so that the order is shown though delivery cannot tell
async def eta_minutes(orders: list[ActiveOrder], delivery: Delivery) -> list[int | None]:
    """When it arrives; null before it is on its way."""
    found = await delivery.progress.many(str(order.id) for order in orders if order.status is OrderStatus.ON_THE_WAY)
    minutes_left = {key: minutes(progress.eta_seconds) for key, progress in found.items()}
    return [minutes_left.get(str(order.id)) for order in orders]


@section(timeout=0.4, fallback=list[OrderLine], scopes=["orders:read"])
async def last_orders(orders: Orders, caller: Caller) -> list[OrderLine]:
    """What you had before."""
    page = await orders.of(known(caller), ON_PHONE)
    return [
        OrderLine(
            id=ID(order.id),
            restaurant_id=ID(order.restaurant_id),
            total=money(order.total),
            placed_at=order.placed_at,
        )
        for order in page.items
    ]


@section(timeout=0.3, fallback=list[BannerCard])
async def banners(notifications: Notifications, tier: Tier = needs(tier)) -> list[BannerCard]:
    """What customers like you should know."""
    return _banners(await notifications.banners(tier.value))


@section(timeout=0.3, fallback=None)
async def cuisines(restaurants: Restaurants) -> Json:
    """All kitchens, passed on as the service writes them."""
    return await restaurants.cuisines()


# Mobile's own shapes.


@section(fallback=list[RestaurantCard])
async def nearby_cards(found: list[Restaurant] = needs(around)) -> list[RestaurantCard]:
    """Where to eat near you."""
    return cards(found[:ON_PHONE])


@nearby_cards.fallback
async def well_known_cards(restaurants: Restaurants) -> list[RestaurantCard]:
    return cards(await restaurants.popular(ON_PHONE))


@section(fallback=list[RestaurantCard])
async def picked_cards(found: list[Restaurant] = needs(recommended)) -> list[RestaurantCard]:
    """What you may like."""
    return cards(found[:ON_PHONE])


@section(fallback=None)
async def unread(found: list[Notification] = needs(unread_notes)) -> int:
    """How many messages wait for you; counting ends at 24, which is more than a badge can say."""
    return len(found)


# Web's own shapes.


@section(fallback=list[RestaurantTile])
async def nearby_tiles(found: list[Restaurant] = needs(around)) -> list[RestaurantTile]:
    """Where to eat near you."""
    return tiles(found)


@nearby_tiles.fallback
async def well_known_tiles(restaurants: Restaurants) -> list[RestaurantTile]:
    return tiles(await restaurants.popular(IN_BROWSER))


@section(fallback=list[RestaurantTile])
async def picked_tiles(found: list[Restaurant] = needs(recommended)) -> list[RestaurantTile]:
    """What you may like."""
    return tiles(found)


@section(fallback=list[RestaurantTile])
async def popular_tiles(found: list[Restaurant] = needs(best_known)) -> list[RestaurantTile]:
    """What everybody likes."""
    return tiles(found)


@section(fallback=list[RestaurantTile])
async def favourite_tiles(found: list[Restaurant] = needs(liked)) -> list[RestaurantTile]:
    """Where you like to eat."""
    return tiles(found[:IN_BROWSER])


@section(timeout=0.4, fallback=list[PromotionTile])
async def promotions(restaurants: Restaurants, address: Address | None = needs(default_address)) -> list[PromotionTile]:
    """Discounts where you are."""
    if address is None:
        return []
    found = await restaurants.promotions(address.area, ON_PHONE)
    givers = await restaurants.known.many(promotion.restaurant_id for promotion in found)
    return [
        PromotionTile(
            id=ID(promotion.id),
            title=promotion.title,
            percent=promotion.percent,
            code=promotion.code,
            restaurant_name=givers[promotion.restaurant_id].name,
            ends_at=promotion.ends_at,
        )
        for promotion in found
        if promotion.restaurant_id in givers
    ]


@section(fallback=list[Note])
async def notes(found: list[Notification] = needs(unread_notes)) -> list[Note]:
    """Messages that wait for you."""
    return [
        Note(id=ID(note.id), title=note.title, text=note.text, link=note.link, created_at=note.created_at) for note in found
    ]


# For guests.


@section(fallback=list[RestaurantCard])
async def popular_cards(found: list[Restaurant] = needs(best_known)) -> list[RestaurantCard]:
    """What everybody likes."""
    return cards(found[:ON_PHONE])


@section(timeout=0.3, fallback=list[BannerCard])
async def guest_banners(notifications: Notifications) -> list[BannerCard]:
    """What somebody new should know."""
    return _banners(await notifications.banners(GUESTS))


def _banners(found: list[Banner]) -> list[BannerCard]:
    return [BannerCard(id=ID(banner.id), title=banner.title, link=banner.link) for banner in found]


mobile_home = Screen(
    "/home",
    MobileHome(
        viewer=needs(viewer),
        delivery_area=needs(delivery_area),
        active_order=needs(active_order),
        last_orders=needs(last_orders),
        nearby=needs(nearby_cards),
        picks=needs(picked_cards),
        banners=needs(banners),
        unread=needs(unread),
    ),
    apps=(mobile,),
)

web_home = Screen(
    "/home",
    WebHome(
        viewer=needs(viewer),
        delivery_area=needs(delivery_area),
        active_order=needs(active_order),
        last_orders=needs(last_orders),
        nearby=needs(nearby_tiles),
        picks=needs(picked_tiles),
        popular=needs(popular_tiles),
        favourites=needs(favourite_tiles),
        promotions=needs(promotions),
        banners=needs(banners),
        notes=needs(notes),
        cuisines=needs(cuisines),
    ),
    apps=(web,),
)

guest_home = Screen(
    "/guest/home",
    GuestHome(popular=needs(popular_cards), banners=needs(guest_banners), cuisines=needs(cuisines)),
    apps=(mobile, web),
    name="guestHome",
    guests=True,
)
