"""W3: posts, each with its author if asked."""

import strawberry


@strawberry.type
class Author:
    id: str
    name: str


@strawberry.type
class Post:
    id: str
    title: str
    user_id: strawberry.Private[str]
    user: Author | None = None


@strawberry.type
class Feed:
    posts: list[Post]
