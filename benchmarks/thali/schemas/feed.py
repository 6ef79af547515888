"""W3: posts, each with its author if asked."""

import strawberry

from bff import View


class Author(View):
    id: str
    name: str


class Post(View):
    id: str
    title: str
    user_id: strawberry.Private[str]
    user: Author | None = None


class Feed(View):
    posts: list[Post]
