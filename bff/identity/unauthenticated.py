"""The one failure of a credential."""

from typing import Literal

from bff.errors import BffError

Reason = Literal[
    "credentials",  # two of them: nobody can tell which one counts
    "not taken",  # another kind than the endpoint takes
    "malformed",  # not a compact JWS of JSON objects
    "too-long",
    "header",  # a header parameter that we do not take
    "algorithm",  # not one of the issuer's
    "type",  # another kind of token than an access token
    "issuer",  # not one of ours
    "key",  # the issuer has no such key
    "signature",
    "claims",  # a claim is missing or of the wrong form
    "audience",  # meant for another service
    "expired",
    "not-yet",
    "lifetime",  # longer than the issuer may give
    "revoked",
    "inactive",  # its issuer, asked, does not vouch for it (RFC 7662)
    "wrong key",  # an API key that is none of ours: no such id, or another secret
]


class Unauthenticated(BffError):
    """The credential is not good. Every one answers the same 401: `reason` is for the audit line and metrics only.

    The text of this error is the reason and nothing of the token.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)
