"""What a stranger's variables may cost (S140)."""

import orjson

from bff.gateway.graphql_endpoint import MAX_BODY
from bff.settings import LimitSettings
from tests.review.product import demo


async def test_variables_of_a_megabyte_are_refused_before_they_are_read() -> None:
    async with demo() as ask:
        many = {"query": "query($c:[Cuisine!]){search(cuisines:$c){results{next}}}", "variables": {"c": ["ITALIAN"] * 90_000}}
        assert MAX_BODY < len(orjson.dumps(many)) < LimitSettings().max_body
        reply = await ask("/mobile/graphql", many)
        assert (reply.status, reply.problem) == (413, "too-large")
