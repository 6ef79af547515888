"""What a description of a service is read into: its messages and its operations, each already named as Python names it."""

import re
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Type:
    """A type as Python writes it, with an example on the wire (`json`) and in Python (`code`).

    A list or dictionary has `item` in their place, a message has its name in `record`.
    """

    text: str
    json: object = None
    code: str = "None"
    item: "Type | None" = None
    record: str = ""
    optional: bool = False  # None is one of its values
    note: str = ""  # what of the description this type does not say

    def or_none(self) -> "Type":
        if self.optional or self.text in ("Any", "None"):
            return self
        return Type(f"{self.text} | None", self.json, self.code, self.item, self.record, True, self.note)

    @property
    def is_class(self) -> bool:
        """Whether a call can be given it as the type of its answer: a choice of types is no class."""
        outermost = re.sub(r"\[.*\]", "", self.text)
        return outermost not in ("Any", "Literal") and " | " not in outermost

    def names(self) -> frozenset[str]:
        """Of the messages that it is made of."""
        return frozenset({self.record} if self.record else self.item.names() if self.item else ())


@dataclass(slots=True)
class Field:
    name: str
    wire: str
    type: Type
    default: str | None = None  # as Python writes it; None: it must be there


@dataclass(slots=True)
class Message:
    """One Struct. `sent` is in a request's body: what is left at its default is then not written."""

    name: str
    fields: list[Field] = field(default_factory=list)
    doc: str = ""
    sent: bool = False


@dataclass(slots=True)
class Parameter:
    """An argument of a method. In the query `joined` writes a list as one value, with commas."""

    name: str
    wire: str
    type: Type
    where: Literal["path", "query", "header"]
    required: bool
    joined: bool = False


@dataclass(slots=True)
class Operation:
    """One method of a client. `verb` is get, post, put, patch, delete or rpc; `path` has the arguments' own names in braces."""

    name: str
    verb: str
    path: str
    answer: Type
    parameters: list[Parameter] = field(default_factory=list)
    body: Type | None = None
    body_required: bool = True
    doc: str = ""


def used(messages: dict[str, Message], operations: list[Operation]) -> dict[str, Message]:
    """The messages that the operations speak of, in an order in which each stands below those that it is made of."""
    found: dict[str, Message] = {}
    above: set[str] = set()

    def add(kind: Type | None) -> None:
        for name in sorted(kind.names() if kind else ()):
            if name in found or name in above:  # one that holds itself stands where it was met first
                continue
            above.add(name)
            for inner in messages[name].fields:
                add(inner.type)
            found[name] = messages[name]

    for operation in operations:
        add(operation.body)
        add(operation.answer)
    return found


@dataclass(slots=True)
class Described:
    """A service as it was described. `left_out` tells, a line each, what no method or type was made of, and why."""

    title: str
    messages: dict[str, Message] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
