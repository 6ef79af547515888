"""A .proto to the messages and methods of its services, by the descriptors that the gRPC codec reads by."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bff.commands.generate import names
from bff.commands.generate.scalars import FORMATS, SCALARS, TEXT, quoted
from bff.commands.generate.shapes import Described, Field, Message, Operation, Type, used
from bff.errors import Refusal
from bff.upstream.codecs.grpc import ProtoFile

Kind = FieldDescriptor
FLOATS = frozenset({Kind.TYPE_DOUBLE, Kind.TYPE_FLOAT})
BYTES = Type("bytes", "", 'b""')
# Messages of protobuf's own that its JSON form writes as plain values (protobuf.dev, ProtoJSON format).
WELL_KNOWN = {
    "Timestamp": FORMATS["date-time"],
    "Duration": TEXT,  # "3.5s"
    "FieldMask": TEXT,
    "StringValue": TEXT,
    "BytesValue": BYTES,
    "BoolValue": SCALARS["boolean"],
    **dict.fromkeys(("Int32Value", "UInt32Value", "Int64Value", "UInt64Value"), SCALARS["integer"]),
    **dict.fromkeys(("DoubleValue", "FloatValue"), SCALARS["number"]),
}
DEFAULTS = {"str": '""', "int": "0", "float": "0.0", "bool": "False", "bytes": 'b""'}


class Protos(NamedTuple):
    """A .proto, and the folder that its imports are named from if that is not its own."""

    file: Path
    include: Path

    def compiled(self) -> ProtoFile:
        return ProtoFile(self.file, include=[self.include])

    def sources(self) -> Iterator[tuple[str, Path]]:
        """It and all that it imports, by the names that they are imported by; not what comes with protoc."""
        for name in self.compiled().files():
            for folder in (self.file.parent, self.include):
                if (folder / name).is_file():
                    yield name, folder / name
                    break


def read(protos: Protos, client: str) -> Described:
    """What the .proto describes, for a client class of that name; Refusal if protoc refuses it or nothing can be called."""
    compiled = protos.compiled()
    reader = _Reader(compiled, {client})
    operations = [found for name in compiled.methods() if (found := reader.operation(name)) is not None]
    if not operations:
        raise Refusal([f"{protos.file} has no method of one call and one answer", *reader.left_out])
    title = f"The methods of {', '.join(dict.fromkeys(one.path.split('/')[1] for one in operations))}."
    return Described(title, used(reader.messages, operations), operations, reader.left_out)


class _Reader:
    def __init__(self, file: ProtoFile, taken: set[str]) -> None:
        self._file, self._taken = file, taken
        self._names: dict[str, str] = {}  # full names of messages already met
        self._methods: set[str] = set()
        self.messages: dict[str, Message] = {}
        self.left_out: list[str] = []

    def operation(self, full_name: str) -> Operation | None:
        method = self._file.described(full_name)
        if method.client_streaming or method.server_streaming:
            self.left_out.append(f"{full_name} streams, and a client's method is one call and one answer")
            return None
        name = names.unlike(names.method(method.name), self._methods)
        return Operation(name, "rpc", full_name, self._message(method.output_type), body=self._message(method.input_type))

    def _message(self, described: Descriptor) -> Type:
        full = described.full_name
        if full not in self._names:
            nested = full.removeprefix(f"{described.file.package}.").replace(".", "_")
            name = self._names[full] = names.unlike(names.pascal(nested), self._taken)
            self.messages[name] = message = Message(name)
            taken: set[str] = set()
            for field in described.fields:
                message.fields.append(self._field(field, taken))
        return Type(self._names[full], record=self._names[full])

    def _field(self, field: FieldDescriptor, taken: set[str]) -> Field:
        """Every field has the default that proto3 gives it: what is not there is not sent."""
        name = names.unlike(names.field(field.name), taken)
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            value = self._one(kind.fields_by_name["value"])
            key = self._one(kind.fields_by_name["key"])
            return Field(name, field.name, Type(f"dict[{key.text}, {value.text}]", item=value), "{}")
        one = self._one(field)
        if field.is_repeated:
            return Field(name, field.name, Type(f"list[{one.text}]", item=one), "[]")
        if field.has_presence:
            return Field(name, field.name, one.or_none(), "None")
        return Field(name, field.name, one, DEFAULTS.get(one.text) or one.code)

    def _one(self, field: FieldDescriptor) -> Type:
        if field.enum_type is not None:
            words = [value.name for value in field.enum_type.values]
            return Type(f"Literal[{', '.join(map(quoted, words))}]", words[0], quoted(words[0]))
        kind = field.message_type
        if kind is None:
            return self._scalar(field)
        if kind.full_name.startswith("google.protobuf."):
            return WELL_KNOWN.get(kind.name) or Type("Any", {}, "{}", note=kind.full_name)
        return self._message(kind)

    def _scalar(self, field: FieldDescriptor) -> Type:
        if field.type == Kind.TYPE_STRING:
            return TEXT
        if field.type == Kind.TYPE_BYTES:
            return BYTES
        if field.type == Kind.TYPE_BOOL:
            return SCALARS["boolean"]
        return SCALARS["number"] if field.type in FLOATS else SCALARS["integer"]
