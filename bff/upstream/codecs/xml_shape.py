"""From an XML element to plain values in the shape of a type: what XML leaves open, the type decides, once."""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

from msgspec import inspect

from bff.upstream.codecs.codec import CodecError
from bff.upstream.codecs.shapes import LISTS, RECORDS, Record, choices, item_of

Reader = Callable[[Element, str], object]  # the element, and its path for errors
Leaf = Callable[[str, str], object]  # the text of an element or attribute, and its path

_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}\Z")  # more digits are no number of a backend; Python stops at 4,300
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_NAMELESS = (*LISTS, inspect.TupleType, inspect.NamedTupleType)


def reader(kind: object) -> Callable[[Element], object]:
    """What turns a root element into values that `msgspec.convert(..., kind, strict=False)` takes.

    TypeError for a type that has no shape in XML: a list of lists, a choice between records, a fixed tuple.
    """
    shape = inspect.type_info(kind)
    build = _Builder(kind)
    if isinstance(shape, LISTS):  # a list at the root: its items are the children, whatever their name
        item = build.reader(shape.item_type)
        return lambda root: [item(child, f"$[{at}]") for at, child in enumerate(root)]
    read = build.reader(shape)
    return lambda root: read(root, "$")


class _Builder:
    """Makes the readers of one type; knows the records it has met, for a record may hold itself."""

    def __init__(self, kind: object) -> None:
        self._kind = kind
        self._records: dict[int, Reader] = {}

    def reader(self, shape: inspect.Type) -> Reader:
        if isinstance(shape, inspect.Metadata):
            return self.reader(shape.type)
        if isinstance(shape, RECORDS):
            return self._records.get(id(shape)) or self._record(shape)
        if isinstance(shape, inspect.DictType):
            value = self.reader(shape.value_type)
            return lambda element, path: {_name(child): value(child, f"{path}.{_name(child)}") for child in element}
        if isinstance(shape, inspect.AnyType):
            return _anything
        if isinstance(shape, _NAMELESS):
            raise TypeError(f"{self._kind!r}: a list within a list or a choice has no name in XML; make it a field")
        if isinstance(shape, inspect.UnionType):
            return self._choice(shape)
        return _of_text(_leaf(shape))

    def _choice(self, shape: inspect.UnionType) -> Reader:
        """`X | None`, or a choice between values that text can tell apart."""
        found = choices(shape)
        named = any(isinstance(part, (*RECORDS, *_NAMELESS, inspect.DictType)) for part in found)
        if not named:
            read = _of_text(_leaf(shape))
        elif len(found) == 1:
            read = self.reader(found[0])
        else:
            raise TypeError(f"{self._kind!r}: XML cannot tell the parts of a choice apart; declare one of them")
        if not shape.includes_none:
            return read
        return lambda element, path: None if element.get(_NIL) in ("true", "1") else read(element, path)

    def _record(self, shape: Record) -> Reader:
        lists: dict[str, Reader] = {}
        singles: dict[str, Reader] = {}
        leaves: dict[str, Leaf] = {}

        def read(element: Element, path: str) -> object:
            values = _children(element, path, lists, singles)
            for full_name, text in element.attrib.items():
                name = full_name.rpartition("}")[2]
                if name in leaves and name not in values:
                    values[name] = leaves[name](text, f"{path}.{name}")
            if "#text" in leaves:
                values["#text"] = leaves["#text"](element.text or "", path)
            return values

        self._records[id(shape)] = read
        for field in shape.fields:
            item = item_of(field.type)
            if item is not None:
                lists[field.encode_name] = self.reader(item)
                continue
            singles[field.encode_name] = self.reader(field.type)
            if not any(isinstance(part, (*RECORDS, inspect.DictType)) for part in choices(field.type)):
                leaves[field.encode_name] = _leaf(field.type)
        return read


def _children(element: Element, path: str, lists: dict[str, Reader], singles: dict[str, Reader]) -> dict[str, object]:
    values: dict[str, object] = {}
    many: dict[str, list[object]] = {}
    for child in element:
        name = _name(child)
        if name in lists:
            items = many.setdefault(name, [])
            items.append(lists[name](child, f"{path}.{name}[{len(items)}]"))
        elif name in singles:
            if name in values:
                raise CodecError("stands there more than once", f"{path}.{name}")
            values[name] = singles[name](child, f"{path}.{name}")
    values.update(many)
    return values


def _leaf(shape: inspect.Type) -> Leaf:
    """What a text must be before msgspec converts it. Only a string keeps the space around it."""
    found = choices(shape)
    nullable = isinstance(shape, inspect.UnionType) and shape.includes_none
    if any(isinstance(part, (inspect.StrType, inspect.AnyType)) for part in found):
        return lambda text, path: text
    whole = all(isinstance(part, inspect.IntType) for part in found)

    def checked(text: str, path: str) -> object:
        text = text.strip()
        if nullable and not text:
            return None
        if not whole:
            return text
        if not _INTEGER.match(text):  # msgspec would convert `9007199254740993.0` too, and round it
            raise CodecError("Expected `int`", path)
        return int(text)

    return checked


def _of_text(leaf: Leaf) -> Reader:
    def read(element: Element, path: str) -> object:
        if len(element):
            raise CodecError("has elements where a value was expected", path)
        return leaf(element.text or "", path)

    return read


def _anything(element: Element, path: str) -> object:
    """Undeclared: text, or the child elements by name."""
    if not len(element):
        return element.text or ""
    return {_name(child): _anything(child, path) for child in element}


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
