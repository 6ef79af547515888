"""The test of a generated client: each method once, against a scripted backend, with the least that it can be given."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from bff.commands.generate.client import answer_of, words
from bff.commands.generate.examples import Messages, in_python, on_wire
from bff.commands.generate.shapes import Described, Operation, Type
from bff.upstream.target import target, text

VALUES = {"datetime": datetime, "date": date, "Decimal": Decimal, "UUID": UUID}  # all else is in Python what it is in JSON
STANDARD = {"datetime": ("UTC", "date", "datetime"), "decimal": ("Decimal",), "uuid": ("UUID",)}


def http_test(name: str, cls: str, described: Described) -> str:
    """The module `tests/clients/test_<name>.py` of a client that speaks HTTP."""
    tests = [_http(cls, operation, described.messages) for operation in described.operations]
    body = "\n\n\n".join(tests)
    stub = "StubReply, StubService, client_of" if "StubReply(" in body else "StubService, client_of"
    top = [f'"""The {name} client, against a scripted backend: each method asks where it should and reads what it gets."""', ""]
    top += _standard(body)
    top += [f"from bff.testing import {stub}", f"from clients.{name} import {_imported(cls, body, described.messages)}"]
    return "\n".join([*top, "", "", body]) + "\n"


def _http(cls: str, operation: Operation, messages: Messages) -> str:
    path, where = _asked(operation)
    _, returned = answer_of(operation)
    said = "StubReply(status=204)" if returned == "None" else repr(on_wire(operation.answer, messages))
    given = ", ".join(_given(operation, messages))
    return "\n".join(
        [
            f"async def test_{operation.name}() -> None:",
            f"    async with StubService({{{json.dumps(path)}: {said}}}) as stub, client_of({cls}, stub) as client:",
            f"        await client.{operation.name}({given})",
            f"        asked = [({json.dumps(operation.verb.upper())}, {json.dumps(where)})]",
            "        assert [(record.method, record.target) for record in stub.seen] == asked",
        ]
    )


def _given(operation: Operation, messages: Messages) -> list[str]:
    given = [in_python(parameter.type, messages) for parameter in operation.parameters if parameter.required]
    if operation.body is not None and operation.body_required:
        given.append(in_python(operation.body, messages))
    return given


def _asked(operation: Operation) -> tuple[str, str]:
    """The path and the whole target that the call must have, by the same rule that the client goes by."""
    given: dict[str, Any] = {}  # Any: as target takes it
    for parameter in operation.parameters:
        if parameter.required and parameter.where != "header":
            value = _value(parameter.type)
            name = parameter.name if parameter.where == "path" else parameter.wire
            given[name] = ",".join(map(str, value)) if isinstance(value, list) and parameter.joined else value
    plain = re.sub(r"\{(\w+)\}", lambda word: text(given[word[1]]), operation.path)
    return plain, target(operation.path, given)


def _value(kind: Type) -> object:
    if kind.item is not None:
        return [_value(kind.item)]
    return msgspec.convert(kind.json, VALUES.get(kind.text, Any))


def rpc_test(name: str, cls: str, described: Described) -> str:
    """The module `tests/clients/test_<name>.py` of a client that speaks gRPC: what is sent is empty, and so is the answer."""
    body = "\n\n\n".join(_rpc(cls, name, operation) for operation in described.operations)
    return "\n".join(
        [
            f'"""The {name} client, before a sender that answers with an empty message: all at its defaults."""',
            "",
            "from bff.upstream.call import Call, Reply",
            "from bff.upstream.service import Service",
            f"from clients.{name} import {_imported(cls, body, described.messages)}",
            "",
            "",
            _SENDER,
            "",
            "",
            body,
            "",
        ]
    )


_SENDER = """class Saying:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def send(self, call: Call) -> Reply:
        self.asked.append(call.target)
        return Reply(200)

    async def close(self) -> None:
        pass"""


def _rpc(cls: str, name: str, operation: Operation) -> str:
    body = operation.body.text if operation.body else ""
    return "\n".join(
        [
            f"async def test_{operation.name}() -> None:",
            "    saying = Saying()",
            f'    answer = await {cls}(Service("{name}", saying)).{operation.name}({body}())',
            f"    assert answer == {operation.answer.text}()",
            f'    assert saying.asked == ["{operation.path}"]',
        ]
    )


def _imported(cls: str, body: str, messages: Messages) -> str:
    return ", ".join([cls, *sorted(words(body) & messages.keys())])


def _standard(body: str) -> list[str]:
    found = words(body)
    used = {module: [name for name in known if name in found] for module, known in STANDARD.items()}
    lines = [f"from {module} import {', '.join(wanted)}" for module, wanted in used.items() if wanted]
    return [*lines, ""] if lines else []
