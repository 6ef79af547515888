"""Plain types of a description, each with its example, and how Python writes a value of one."""

from bff.commands.generate.shapes import Type

ANYTHING = Type("Any", {}, "{}")
TEXT = Type("str", "text", '"text"')
FORMATS = {
    "date-time": Type("datetime", "2026-01-02T12:00:00Z", "datetime(2026, 1, 2, 12, tzinfo=UTC)"),
    "date": Type("date", "2026-01-02", "date(2026, 1, 2)"),
    "uuid": Type("UUID", "00000000-0000-4000-8000-000000000001", 'UUID("00000000-0000-4000-8000-000000000001")'),
    "byte": Type("bytes", "aGk=", 'b"hi"'),
    "decimal": Type("Decimal", "1.50", 'Decimal("1.50")'),
}
SCALARS = {
    "integer": Type("int", 1, "1"),
    "number": Type("float", 1.5, "1.5"),
    "boolean": Type("bool", True, "True"),
    "null": Type("None", None, "None", optional=True),
}


def words(values: list[object]) -> Type:
    """A closed list of words or numbers; None aside, which makes it nullable."""
    known = [value for value in values if value is not None]
    texts, numbers = [isinstance(value, str) for value in known], [type(value) is int for value in known]
    if known and (all(texts) or all(numbers)):
        return Type(f"Literal[{', '.join(quoted(value) for value in known)}]", known[0], quoted(known[0]))
    kinds = {type(value) for value in known}
    return SCALARS["boolean"] if kinds == {bool} else SCALARS["number"] if kinds <= {int, float} and kinds else ANYTHING


def quoted(value: object) -> str:
    """A word or number as the formatter writes it: in double quotes, unless that would need escapes."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text
