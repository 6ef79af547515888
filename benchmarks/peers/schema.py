"""W2 and W3 in Strawberry, as its own documentation has them: typed fields, a loader a request, cached documents.

Both FastAPI peers use this schema; `fetch` (their HTTP client) is in the context.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.fastapi import GraphQLRouter

Fetch = Callable[[str, str], Awaitable[Any]]  # service, target -> parsed JSON
Context = dict[str, Any]
Info = strawberry.Info[Context, None]


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
    address: Address


@strawberry.type
class Order:
    id: str
    restaurant_name: str
    status: str
    total: int
    currency: str


@strawberry.type
class Restaurant:
    id: str
    name: str
    cuisine: str
    rating: float
    delivery_minutes: int
    delivery_fee: int
    open: bool
    image_url: str


@strawberry.type
class Recommendation:
    id: str
    title: str
    price: int
    image_url: str


@strawberry.type
class Notification:
    id: str
    title: str
    body: str
    read: bool


@strawberry.type
class Person:
    id: str
    name: str


@strawberry.type
class Post:
    id: str
    title: str
    user_id: strawberry.Private[str]

    @strawberry.field
    async def user(self, info: Info) -> Person:
        loader: DataLoader[str, Person] = info.context["people"]
        return await loader.load(self.user_id)


@strawberry.type
class Query:
    @strawberry.field
    async def user(self, info: Info) -> User:
        u = await info.context["fetch"]("users", "/user")
        return User(
            id=u["id"], name=u["name"], email=u["email"], phone=u["phone"], tier=u["tier"], points=u["points"],
            address=Address(**u["address"]),
        )  # fmt: skip

    @strawberry.field
    async def orders(self, info: Info) -> list[Order]:
        return [
            Order(
                id=o["id"], restaurant_name=o["restaurantName"], status=o["status"], total=o["total"],
                currency=o["currency"],
            )
            for o in await info.context["fetch"]("orders", "/orders")
        ]  # fmt: skip

    @strawberry.field
    async def restaurants(self, info: Info) -> list[Restaurant]:
        return [
            Restaurant(
                id=r["id"], name=r["name"], cuisine=r["cuisine"], rating=r["rating"], open=r["open"],
                delivery_minutes=r["deliveryMinutes"], delivery_fee=r["deliveryFee"], image_url=r["imageUrl"],
            )
            for r in await info.context["fetch"]("restaurants", "/restaurants")
        ]  # fmt: skip

    @strawberry.field
    async def recommendations(self, info: Info) -> list[Recommendation]:
        return [
            Recommendation(id=d["id"], title=d["title"], price=d["price"], image_url=d["imageUrl"])
            for d in await info.context["fetch"]("recommendations", "/recommendations")
        ]

    @strawberry.field
    async def notifications(self, info: Info) -> list[Notification]:
        return [
            Notification(id=n["id"], title=n["title"], body=n["body"], read=n["read"])
            for n in await info.context["fetch"]("notifications", "/notifications")
        ]

    @strawberry.field
    async def posts(self, info: Info) -> list[Post]:
        return [Post(id=p["id"], title=p["title"], user_id=p["userId"]) for p in await info.context["fetch"]("posts", "/posts")]


def router(fetch: Fetch) -> GraphQLRouter[Context, None]:
    """A /graphql route whose resolvers call `fetch`."""

    async def people(ids: list[str]) -> list[Person]:
        query = "&".join(f"id={key}" for key in ids)
        found = {p["id"]: Person(id=p["id"], name=p["name"]) for p in await fetch("people", f"/users?{query}")}
        return [found[key] for key in ids]

    async def context() -> Context:
        return {"fetch": fetch, "people": DataLoader(load_fn=people)}

    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    return GraphQLRouter(schema, context_getter=context, graphql_ide=None)
