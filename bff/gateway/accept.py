"""Whether the client takes what we write."""

from bff.faces.accept import weight_of_json, weights
from bff.faces.problems import Problem
from bff.gateway.request import Request


def refuse_unless_json(request: Request) -> None:
    """Raise the 406 problem when the client's Accept has no place for JSON."""
    accept = request.given.get(b"accept", b"*/*")
    if accept == b"*/*" or not accept:  # none, or one that names nothing: anything will do
        return
    if not weight_of_json(weights(accept.decode("latin-1"))):
        raise Problem("not-acceptable", "this screen is application/json")
