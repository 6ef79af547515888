"""Examples of described types, for the tests that are generated: what the service writes, and how Python writes it."""

from bff.commands.generate.shapes import Message, Type

Messages = dict[str, Message]


def on_wire(kind: Type, messages: Messages, above: tuple[str, ...] = ()) -> object:
    """The least JSON value that is read as this type: without what may be absent, a list that holds its owner empty."""
    if kind.record:
        made = messages[kind.record]
        inner = (*above, kind.record)
        return {field.wire: on_wire(field.type, messages, inner) for field in made.fields if field.default is None}
    if kind.item is None:
        return kind.json
    if kind.optional and kind.item.names() & set(above):
        return None
    if kind.text.startswith("list["):
        return [] if kind.item.names() & set(above) else [on_wire(kind.item, messages, above)]
    return {} if kind.item.names() & set(above) else {"key": on_wire(kind.item, messages, above)}


def in_python(kind: Type, messages: Messages, above: tuple[str, ...] = ()) -> str:
    """The same value as an expression; a message is built of what it must have."""
    if kind.record:
        inner = (*above, kind.record)
        needed = [field for field in messages[kind.record].fields if field.default is None]
        return f"{kind.record}({', '.join(f'{field.name}={in_python(field.type, messages, inner)}' for field in needed)})"
    if kind.item is None:
        return kind.code
    if kind.text.startswith("list["):
        return "[]" if kind.item.names() & set(above) else f"[{in_python(kind.item, messages, above)}]"
    return "{}" if kind.item.names() & set(above) else f'{{"key": {in_python(kind.item, messages, above)}}}'
