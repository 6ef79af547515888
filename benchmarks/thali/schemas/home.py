"""W1, W2 and W5: every field that the five services send."""

from bff import View


class Address(View):
    street: str
    city: str
    postcode: str
    latitude: float
    longitude: float


class User(View):
    id: str
    name: str
    email: str
    phone: str
    tier: str
    points: int
    member_since: str
    locale: str
    avatar_url: str
    marketing: bool
    address: Address
    about: str


class Order(View):
    id: str
    restaurant_id: str
    restaurant_name: str
    status: str
    placed_at: str
    delivered_at: str
    item_count: int
    total: int
    currency: str
    note: str


class Restaurant(View):
    id: str
    name: str
    cuisine: str
    rating: float
    review_count: int
    delivery_minutes: int
    delivery_fee: int
    minimum_order: int
    currency: str
    open: bool
    image_url: str
    street: str
    distance: float
    tags: list[str]
    description: str


class Recommendation(View):
    id: str
    title: str
    restaurant_id: str
    restaurant_name: str
    price: int
    currency: str
    score: float
    reason: str
    image_url: str
    calories: int
    vegetarian: bool


class Notification(View):
    id: str
    kind: str
    title: str
    body: str
    sent_at: str
    read: bool


class Home(View):
    user: User
    orders: list[Order]
    restaurants: list[Restaurant]
    recommendations: list[Recommendation]
    notifications: list[Notification]
