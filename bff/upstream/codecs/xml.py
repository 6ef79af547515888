"""XML, read by the declared type and refused when it brings a DTD.

The root element is the value, whatever its name; namespaces are dropped. A field is the child element of its name, else
the attribute of that name; a field named `#text` is the element's own text. A list is every child of its name, wherever
they stand, so one child is a list of one. Numbers, booleans, times and enums are converted from their text; integers
are kept exactly or refused. Of a field that is no list there may be one element.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

import msgspec
import xmltodict
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bff.upstream.codecs.codec import CodecError, told
from bff.upstream.codecs.shapes import refuse_unfillable
from bff.upstream.codecs.xml_shape import reader

T = TypeVar("T")

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What XML 1.0 (section 2.2) cannot hold even escaped. A user's text may bring one; it must not break the whole body.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlCodec:
    """`root` names the root element of bodies; without it a body's class does, in snake_case."""

    content_type = "application/xml; charset=utf-8"
    accept = "application/xml"

    def __init__(self, root: str | None = None) -> None:
        self._root = root

    def encode(self, body: object) -> bytes:
        """One element a field; a list repeats it, None leaves it out; `@id` writes an attribute, `#text` the text."""
        if self._root is None and isinstance(body, Mapping):
            raise TypeError("a body of plain values has no name: give XmlCodec a root, or use a msgspec Struct")
        root = self._root or _WORD.sub("_", type(body).__name__).lower()
        plain = msgspec.to_builtins(body, str_keys=True)
        text: str = xmltodict.unparse({root: _writable(plain)}, short_empty_elements=True)
        return text.encode()

    def decoder(self, kind: type[T], /) -> Callable[[bytes], T]:
        refuse_unfillable(kind)
        plain = reader(kind)

        def read(raw: bytes) -> T:
            try:
                return msgspec.convert(plain(_parsed(raw)), kind, strict=False)
            except msgspec.ValidationError as error:
                raise told(error) from error
            except RecursionError as error:
                raise CodecError("nested too deep") from error

        return read


def _parsed(raw: bytes) -> Element:
    try:
        return fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as error:  # no DTD, so no entity of its own: neither bombs nor files are reached
        raise CodecError("a DTD is not accepted") from error
    except (ParseError, ValueError, LookupError) as error:  # the last two: an encoding that is unknown, or that lies
        raise CodecError(str(error)) from error


def _writable(value: object) -> object:
    match value:
        case dict():
            return {name: _writable(part) for name, part in value.items() if part is not None}
        case list():
            return [_writable(part) for part in value]
        case str():
            return _NO_CHARACTER.sub("\ufffd", value)
        case _:
            return value
