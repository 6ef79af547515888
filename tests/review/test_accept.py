"""REST and GraphQL read `Accept` alike."""

import pytest

from bff.faces.graphql_request import media_type
from bff.faces.problems import Problem
from bff.gateway.accept import refuse_unless_json
from bff.gateway.request import Request
from tests.gateway.kit import Peer


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        ("", True),
        ("application/json", True),
        ("Application/*;q=0.1", True),
        ("text/html, */*;q=0.8", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json;q=0.000", False),
        ("application/json;q=0, */*", False),  # what is named counts, not the wildcard
    ],
)
def test_json_is_taken_or_not_by_both(accept: str, taken: bool) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]}, Peer().receive, 0.0)
    for ask in (lambda: refuse_unless_json(request), lambda: media_type(accept)):
        if taken:
            ask()
        else:
            with pytest.raises(Problem):
                ask()
