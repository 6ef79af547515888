"""/.well-known/jwks.json of the admin listener: what backends check the gateway's word with."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bff.identity.internal_token import Inside

PATH = "/.well-known/jwks.json"
# As long as bff.inside keeps it. A key is published that long before it is used ([inside] published).
_HEADERS = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}


def inside_routes(inside: Inside | None) -> list[Route]:
    """The page, where there is a key to publish."""
    if inside is None or inside.document is None:
        return []
    document = inside.document

    def jwks(_: Request) -> Response:
        return Response(document, media_type="application/jwk-set+json", headers=_HEADERS)

    return [Route(PATH, jwks)]
