"""The BFF that most Python teams would write: FastAPI, httpx, asyncio.gather."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Response

from benchmarks.peers import schema
from benchmarks.peers.shapes import Shaped, shape
from benchmarks.places import origin

# No cap of connections: httpx's default of 100 would queue calls, which is not what is being measured.
client = httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))

SCREEN = (
    ("users", "/user"),
    ("orders", "/orders"),
    ("restaurants", "/restaurants"),
    ("recommendations", "/recommendations"),
    ("notifications", "/notifications"),
)


async def body(service: str, target: str) -> bytes:
    answer = await client.get(origin(service) + target)
    answer.raise_for_status()
    return answer.content


async def fetch(service: str, target: str) -> Any:
    answer = await client.get(origin(service) + target)
    answer.raise_for_status()
    return answer.json()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with client:
        yield


app = FastAPI(lifespan=lifespan)
app.include_router(schema.router(fetch), prefix="/graphql")


@app.get("/w1")
async def w1() -> dict[str, Any]:
    user, orders, restaurants, recommendations, notifications = await asyncio.gather(*(fetch(*part) for part in SCREEN))
    return {
        "user": user,
        "orders": orders,
        "restaurants": restaurants,
        "recommendations": recommendations,
        "notifications": notifications,
    }


@app.get("/w1b")
async def w1b() -> Shaped:
    return shape(*await asyncio.gather(*(body(*part) for part in SCREEN)))


@app.get("/w4")
async def w4() -> Response:
    return Response(await body("orders", "/orders"), media_type="application/json")
