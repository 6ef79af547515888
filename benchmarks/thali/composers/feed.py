"""W3: a hundred posts by ten people, whose names are fetched in one call, and only when asked."""

from benchmarks.thali.clients.people import People
from benchmarks.thali.clients.posts import Posts
from benchmarks.thali.composers.apps import bench
from benchmarks.thali.schemas.feed import Author, Feed, Post
from bff import Screen, field, needs, section


@section()
async def posts(posts: Posts) -> list[Post]:
    return [Post(id=post.id, title=post.title, user_id=post.user_id) for post in await posts.newest()]


@field(Post)
async def user(posts: list[Post], people: People) -> list[Author | None]:
    found = await people.person.many(post.user_id for post in posts)
    authors = {key: Author(id=person.id, name=person.name) for key, person in found.items()}
    return [authors.get(post.user_id) for post in posts]


screen = Screen("/feed", Feed(posts=needs(posts)), apps=(bench,))
