"""Which values msgspec writes exactly as a projector and orjson would, so that they need not be taken apart first.

In W1 (performance.md) 20 items of 15 attributes cost 13 us to project and write, and 6 us so.
"""

from datetime import time
from functools import lru_cache

import msgspec

from bff.composition.selection import Selection
from bff.composition.shape import Shape, attributes
from bff.naming import camel


def _plain(value: object) -> object:
    """A text or number of a class of its own, which orjson writes and msgspec by itself does not."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


write = msgspec.json.Encoder(decimal_format="string", enc_hook=_plain).encode


def is_written_whole(shape: Shape, below: Selection | None) -> bool:
    """Whether msgspec may write a value of this shape of which `below` is wanted."""
    return below is None and shape.leaf.kind == "object" and is_verbatim(shape)


@lru_cache(maxsize=4096)
def is_verbatim(shape: Shape) -> bool:
    """Whether every value of this shape is written alike, all its attributes wanted."""
    return _is(shape, ())


def _is(shape: Shape, above: tuple[type, ...]) -> bool:
    match shape.kind:
        case "plain":
            return not issubclass(shape.type, time)  # orjson writes six digits of a second, msgspec no trailing noughts
        case "decimal":
            return True
        case "list":
            return shape.item is not None and _is(shape.item, above)
        case "enum":  # msgspec writes the value, we the name
            return all(member.value == name for name, member in shape.type.__members__.items())
        case "object":
            return shape.type in above or _is_plain_view(shape.type, (*above, shape.type))
        case _:  # times are written in UTC, 64-bit numbers as strings, Json unread: all by the projector
            return False


def _is_plain_view(cls: type, above: tuple[type, ...]) -> bool:
    if not issubclass(cls, msgspec.Struct):
        return False
    config = cls.__struct_config__
    if config.tag is not None or config.array_like or config.omit_defaults:
        return False
    if cls.__subclasses__():  # msgspec writes all that a value has, the projector what this class shows
        return False
    shown = attributes(cls)
    written = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    same = written == {name: camel(name) for name in shown}
    return same and all(_is(shape, above) for shape in shown.values())
