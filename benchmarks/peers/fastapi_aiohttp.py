"""The same by a team that measures: aiohttp instead of httpx, orjson instead of the stdlib, no response model on W1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from fastapi import FastAPI, Response

from benchmarks.peers import schema
from benchmarks.peers.shapes import Shaped, shape
from benchmarks.places import origin

SCREEN = {
    "user": ("users", "/user"),
    "orders": ("orders", "/orders"),
    "restaurants": ("restaurants", "/restaurants"),
    "recommendations": ("recommendations", "/recommendations"),
    "notifications": ("notifications", "/notifications"),
}


async def body(service: str, target: str) -> bytes:
    session: aiohttp.ClientSession = app.state.session
    async with session.get(origin(service) + target) as answer:
        answer.raise_for_status()
        return await answer.read()


async def fetch(service: str, target: str) -> Any:
    return orjson.loads(await body(service, target))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # No cap of connections (the default of 100 would queue calls) and no cookie jar, whose look-up each call would pay.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=10),
    ) as app.state.session:
        yield


app = FastAPI(lifespan=lifespan)
app.include_router(schema.router(fetch), prefix="/graphql")


@app.get("/w1")
async def w1() -> Response:
    parts = await asyncio.gather(*(fetch(*part) for part in SCREEN.values()))
    return Response(orjson.dumps(dict(zip(SCREEN, parts, strict=True))), media_type="application/json")


@app.get("/w1b")
async def w1b() -> Shaped:
    return shape(*await asyncio.gather(*(body(*part) for part in SCREEN.values())))


@app.get("/w4")
async def w4() -> Response:
    return Response(await body("orders", "/orders"), media_type="application/json")
