"""The posts service: W3's list."""

from benchmarks.thali.clients._wire import Wire
from bff import Client


class Post(Wire):
    id: str
    user_id: str
    title: str


class Posts(Client, service="posts"):
    async def newest(self) -> list[Post]:
        return await self.get("/posts", list[Post])
