"""What a face gives the gateway: status, headers, bytes, and the verdicts for the access line."""

from collections.abc import Mapping

from msgspec import Struct, field

from bff.composition.outcome import Outcome

Headers = list[tuple[bytes, bytes]]

JSON_TYPE = b"application/json"
PROBLEM_TYPE = b"application/problem+json"


class Answer(Struct):
    """A whole answer. `headers` are those of its own; the gateway adds request id, length and the security headers."""

    status: int
    body: bytes
    content_type: bytes = JSON_TYPE
    headers: Headers = field(default_factory=list)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
