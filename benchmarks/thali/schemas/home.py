"""W1, W2 and W5: every field that the five services send."""

import strawberry


@strawberry.type
class Address:
    street: str
    city: str
    postcode: str
    latitude: float
    longitude: float


@strawberry.type
class User:
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


@strawberry.type
class Order:
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


@strawberry.type
class Restaurant:
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


@strawberry.type
class Recommendation:
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


@strawberry.type
class Notification:
    id: str
    kind: str
    title: str
    body: str
    sent_at: str
    read: bool


@strawberry.type
class Home:
    user: User
    orders: list[Order]
    restaurants: list[Restaurant]
    recommendations: list[Recommendation]
    notifications: list[Notification]
