"""The bearer token of a request, as RFC 6750 has it sent."""

import string
from collections.abc import Sequence

from bff.identity.unauthenticated import Unauthenticated

# Our server caps a header block at 16 KB (design 6.1); a token that fills half of it is a mistake or an attack.
MAX_TOKEN = 8 * 1024

# RFC 6750 section 2.1, b64token: one or more of these, then any number of "=".
_LETTERS = string.ascii_letters.encode() + string.digits.encode() + b"-._~+/"
_SCHEME = b"bearer"


def bearer_token(values: Sequence[bytes]) -> str | None:
    """The token of the one `Authorization: Bearer` header; None without that header, or when it has another scheme.

    `values` are those of all Authorization headers. Another scheme is None because another stage judges it (API keys).
    Only the header is looked at: RFC 6750 section 2.3 advises against the query, where a token ends up in logs.
    Raises Unauthenticated for two Authorization headers of any scheme (RFC 9110 section 5.3: the field is not a list,
    and two readers could pick differently), and for Bearer without a well-formed token of at most MAX_TOKEN characters.
    """
    if not values:
        return None
    if len(values) > 1:
        raise Unauthenticated("credentials")
    scheme, _, token = values[0].partition(b" ")
    if scheme != b"Bearer" and scheme.lower() != _SCHEME:
        return None
    token = token.strip(b" ")
    if len(token) > MAX_TOKEN:
        raise Unauthenticated("too-long")
    body = token.rstrip(b"=")
    if not body or body.translate(None, _LETTERS):  # a fifth of what a pattern costs, and it is done for every request
        raise Unauthenticated("malformed")
    return token.decode("ascii")
