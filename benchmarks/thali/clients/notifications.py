"""The notifications service: the caller's notices."""

from benchmarks.thali.clients._wire import Wire
from bff import Client, Json


class NotificationBrief(Wire):
    """W1b shows no more than this; the rest is skipped unread."""

    id: str
    title: str
    sent_at: str
    read: bool


class Notification(NotificationBrief):
    kind: str
    body: str


class Notifications(Client, service="notifications"):
    async def latest(self) -> list[Notification]:
        return await self.get("/notifications", list[Notification])

    async def latest_brief(self) -> list[NotificationBrief]:
        return await self.get("/notifications", list[NotificationBrief])

    async def raw(self) -> Json:
        return await self.get("/notifications", Json)
