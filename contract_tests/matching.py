"""From an example of what a client reads to what its Pact asks of the service: each value's type, never the value."""

from datetime import datetime

import msgspec
from msgspec.structs import fields
from pact import match as pact

# RFC 3339 as msgspec reads it: with a zone, any fraction of a second.
MOMENT = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"


def matching(example: object) -> object:
    """What a JSON answer must be like for the wire model to read it. A field of the example that is None is not asked for.

    A list asks for at least one item, so that its items are looked at at all; all of them must be like the first one.
    """
    match example:
        case msgspec.Struct():
            return matching({field.encode_name: getattr(example, field.name) for field in fields(example)})
        case dict():
            return {name: matching(value) for name, value in example.items() if value is not None}
        case list():
            return pact.each_like(matching(example[0]), min=1)
        case bool():
            return pact.bool(example)
        case int():
            return pact.int(example)
        case float():
            return pact.number(example)  # 4 is read as 4.0
        case datetime():
            return pact.regex(example.isoformat(), regex=MOMENT)
        case str():
            return pact.str(example)
    raise TypeError(f"{example!r}: say what it is like")
