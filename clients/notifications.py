"""What users are told, and the banners for each kind of them."""

from datetime import datetime

import msgspec

from bff import Client


class Notification(msgspec.Struct):
    id: str
    kind: str
    title: str
    text: str
    link: str
    created_at: datetime
    is_read: bool


class Banner(msgspec.Struct):
    id: str
    title: str
    text: str
    link: str


class _Notifications(msgspec.Struct):
    items: list[Notification]


class _Banners(msgspec.Struct):
    items: list[Banner]


class Notifications(Client, service="notifications"):
    """Messages to one user, and to all of a kind."""

    async def unread(self, user_id: str, limit: int) -> list[Notification]:
        found = await self.get("/notifications", _Notifications, user=user_id, unread=True, limit=limit)
        return found.items

    async def banners(self, audience: str) -> list[Banner]:
        return (await self.get("/banners", _Banners, audience=audience)).items
