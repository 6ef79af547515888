"""A described service as the text of its client: the Structs that it speaks of, and one method an operation."""

import ast
import keyword
import textwrap
from collections.abc import Iterator
from typing import Literal

import msgspec

from bff.commands.generate.scalars import quoted
from bff.commands.generate.shapes import Described, Field, Message, Operation, Parameter, Type

RULES: tuple[Literal["camel", "pascal", "kebab"], ...] = ("camel", "pascal", "kebab")  # those of msgspec that services use
WIDTH = 110  # of a docstring's lines, indented
IMPORTS = {
    "datetime": ("date", "datetime"),
    "decimal": ("Decimal",),
    "typing": ("Any", "Literal"),
    "uuid": ("UUID",),
}


def client(name: str, cls: str, described: Described, source: str, proto: str | None = None) -> str:
    """The module `clients/<name>.py`; ruff lays it out (new_backend.py)."""
    structs = [_struct(message, described) for message in described.messages.values()]
    codec = f", proto={quoted(proto)}" if proto else ""
    head = f'class {cls}(Client, service="{name}"{codec}):\n{_doc(described.title or f"What {name} knows.")}'
    methods = [_method(operation) for operation in described.operations]
    body = "\n\n\n".join([*structs, "\n".join([head, *methods])])
    top = _doc(f"{cls}, by {source}, from which `bff new backend` made it once: it is yours now.", indent="")
    return f"{top}\n{imports(body)}\n\n{body}\n"


def imports(code: str) -> str:
    """The lines that bring in what the code uses."""
    found = words(code)
    used = {module: [name for name in known if name in found] for module, known in IMPORTS.items()}
    standard = [f"from {module} import {', '.join(wanted)}" for module, wanted in used.items() if wanted]
    third = ["import msgspec"] if "msgspec" in found else []
    ours = ", ".join(name for name in ("Client", "Json") if name in found)
    return "\n\n".join(["\n".join(standard), *third, f"from bff import {ours}"]).lstrip()


def words(code: str) -> set[str]:
    """The names that the code uses, those in annotations that are quoted among them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Constant):
            found |= words(str(node.annotation.value))
    return found


def _struct(message: Message, described: Described) -> str:
    rename = renamed(message)
    options = [f'rename="{rename}"'] if rename else []
    options += ["omit_defaults=True"] if message.sent and any(field.default is not None for field in message.fields) else []
    order = list(described.messages)
    above = set(order[: order.index(message.name)])
    lines = [f"class {message.name}({', '.join(['msgspec.Struct', *options])}):"]
    doc = message.doc or ("" if message.fields else "It holds nothing.")
    lines += [_doc(doc), ""] if doc else []
    lines += [_field(field, rename, above) for field in message.fields]
    return "\n".join(lines)


def _field(field: Field, rename: str, above: set[str]) -> str:
    text = field.type.text if field.type.names() <= above else f'"{field.type.text}"'
    default = field.default
    if not rename and field.name != field.wire:
        told = f"default={default}, " if default is not None and default not in ("[]", "{}") else ""
        told += f"default_factory={'list' if default == '[]' else 'dict'}, " if default in ("[]", "{}") else ""
        default = f"msgspec.field({told}name={quoted(field.wire)})"
    note = f"  # {field.type.note}" if field.type.note else ""
    return f"    {field.name}: {text}{f' = {default}' if default is not None else ''}{note}"


def renamed(message: Message) -> str:
    """How msgspec itself turns all field names into the wire's; "" if they are alike or no one rule does."""
    if all(field.name == field.wire for field in message.fields):
        return ""
    for rule in RULES:
        probe = msgspec.defstruct("probe", [field.name for field in message.fields], rename=rule)
        if [field.encode_name for field in msgspec.structs.fields(probe)] == [field.wire for field in message.fields]:
            return rule
    return ""


def _method(operation: Operation) -> str:
    kind, returned = answer_of(operation)
    lines = ["", f"    async def {operation.name}({', '.join(_arguments(operation))}) -> {returned}:"]
    lines += [_doc(operation.doc, indent="        ")] if operation.doc else []
    call, before = _call(operation, kind)
    lines += [f"        {line}" for line in before]
    lines += [f"        {'await' if returned == 'None' else 'return await'} {call}"]
    return "\n".join(lines)


def answer_of(operation: Operation) -> tuple[str, str]:
    """The type that the call is given and the one that the method gives."""
    text = operation.answer.text
    if text == "None":
        return "type(None)", "None"
    return (text, text) if operation.answer.is_class else ("Json", "Json")


def _arguments(operation: Operation) -> Iterator[str]:
    yield "self"
    for parameter in operation.parameters:
        if parameter.required:
            yield f"{parameter.name}: {parameter.type.text}"
    if operation.body is not None:
        kind = operation.body
        yield f"body: {kind.text}" if operation.body_required else f"body: {kind.or_none().text} = None"
    for parameter in operation.parameters:
        if not parameter.required:
            yield f"{parameter.name}: {parameter.type.or_none().text} = None"


def _call(operation: Operation, kind: str) -> tuple[str, list[str]]:
    """The call, and the lines that stand before it."""
    if operation.verb == "rpc":
        return f'self.rpc("{operation.path}", {kind}, body)', []
    given = [quoted(operation.path), kind]
    if operation.verb in ("post", "put", "patch"):
        given.append("body" if operation.body is not None else "None")
    odd: list[str] = []
    for parameter in operation.parameters:
        name = parameter.name if parameter.where == "path" else parameter.wire
        if name.isidentifier() and not keyword.iskeyword(name):
            given.append(f"{name}={_value(parameter)}")
        else:
            odd.append(f"{quoted(name)}: {_value(parameter)}")
    before = [f"more: dict[str, Any] = {{{', '.join(odd)}}}  # names that no argument can have"] if odd else []
    return f"self.{operation.verb}({', '.join([*given, *['**more'] * bool(odd)])})", before


def _value(parameter: Parameter) -> str:
    name = parameter.name
    if not parameter.joined:
        return name
    item = parameter.type.item or Type("str")
    joined = f'",".join({name})' if item.text == "str" else f'",".join(str(one) for one in {name})'
    return joined if parameter.required else f"None if {name} is None else {joined}"


def _doc(text: str, indent: str = "    ") -> str:
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = textwrap.wrap(safe, WIDTH, break_long_words=False) or [""]
    if len(lines) > 1:
        return "\n".join([f'{indent}"""{lines[0]}', *(f"{indent}{line}" for line in lines[1:]), f'{indent}"""'])
    end = " " if safe.endswith('"') else ""
    return f'{indent}"""{lines[0]}{end}"""'
