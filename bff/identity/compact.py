"""Take a token apart, trusting nothing in it: the compact form of RFC 7515 section 7.1, read once and strictly."""

import base64
import json
import re
from dataclasses import dataclass
from typing import NoReturn

from bff.identity.bearer import MAX_TOKEN
from bff.identity.unauthenticated import Unauthenticated

# Exactly three parts, none of them empty: five would be an encrypted token, an empty last one an unsigned token.
_PARTS = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Compact:
    """A token taken apart. Nothing in it is to be believed before `signature` was found good over `signed`."""

    header: dict[str, object]
    payload: dict[str, object]
    signed: bytes
    signature: bytes


def take_apart(token: str) -> Compact:
    """The token's parts. Raises Unauthenticated; a token over MAX_TOKEN is refused before anything of it is decoded."""
    if len(token) > MAX_TOKEN:
        raise Unauthenticated("too-long")
    try:
        text = token.encode("ascii")
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise Unauthenticated("malformed")
        return Compact(
            header=_object(parts[1]),
            payload=_object(parts[2]),
            signed=text[: parts.end(2)],
            signature=_decoded(parts[3]),
        )
    except (ValueError, RecursionError):  # not base64url, not UTF-8, not JSON, nested too deep
        raise Unauthenticated("malformed") from None


def _decoded(part: bytes) -> bytes:
    """The bytes of a part. One value has one spelling: left-over bits must be zero (RFC 4648 section 3.5)."""
    value = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(value).rstrip(b"=") != part:
        raise ValueError("not in its one spelling")
    return value


def canonical(value: object, most: int) -> bool:
    """Whether it is base64url of 1 to `most` bytes, without padding, in the one spelling that these have."""
    try:
        return isinstance(value, str) and 0 < len(_decoded(value.encode("ascii"))) <= most
    except ValueError:
        return False


def _object(part: bytes) -> dict[str, object]:
    return strict_object(_decoded(part))


def strict_object(body: bytes) -> dict[str, object]:
    """A JSON object in UTF-8 in which no name stands twice. Raises ValueError, and RecursionError for one nested too deep."""
    text = body.decode("utf-8")
    value = _JSON.decode(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        # Half of a surrogate pair is good JSON, and a string that logs and headers would choke on.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """RFC 7515 section 4 and RFC 7519 section 4: a name stands once. Two readers may pick differently of two."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)
