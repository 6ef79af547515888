"""For partners, whose programs come with a key of their own: where one can order, and what; nothing of any user."""

from bff import Screen, needs
from composers.apps import partner
from composers.restaurant import head, menu
from composers.search import results
from schemas.partner import PartnerMenu, PartnerRestaurants

restaurants = Screen(
    "/restaurants",
    PartnerRestaurants(results=needs(results)),
    apps=(partner,),
    name="restaurants",
    scopes=["restaurants:read"],
)

menus = Screen(
    "/restaurants/{restaurant_id}",
    PartnerMenu(restaurant=needs(head), menu=needs(menu)),
    apps=(partner,),
    name="menu",
    scopes=["restaurants:read"],
)
