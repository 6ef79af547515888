"""Whether the client takes what we write."""

from bff.faces.problems import Problem
from bff.gateway.request import Request

_TAKES_JSON = ("application/json", "application/*", "*/*")


def refuse_unless_json(request: Request) -> None:
    """Raise the 406 problem when the client's Accept (RFC 9110 section 12.5.1) has no place for JSON."""
    accept = request.header(b"accept")
    if accept is None or accept == "*/*":
        return
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        if media.strip().lower() in _TAKES_JSON and parameters.replace(" ", "") not in ("q=0", "q=0.0"):
            return
    raise Problem("not-acceptable", "this screen is application/json")
