"""What in a new .proto breaks a client that was compiled from the old one."""

from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from bff.upstream.codecs.grpc import ProtoFile

Places = dict[str, str]  # a place in a method's messages -> what is on the wire there


def breaking_in_proto(old: Path, new: Path) -> list[str]:
    """Removed methods, fields and enum values; changed numbers, types and kinds of method. What is added breaks nobody."""
    before, now = _places(ProtoFile(old)), _places(ProtoFile(new))
    found = []
    for place, wire in before.items():
        if place not in now:
            found.append(f"{place} was removed")
        elif now[place] != wire:
            found.append(f"{place} changed from {wire} to {now[place]}")
    return found


def _places(file: ProtoFile) -> Places:
    found: Places = {}
    for name in file.methods():
        method = file.described(name)
        found[name] = "stream" if method.client_streaming or method.server_streaming else "call"
        _walk(method.input_type, f"{name} takes ", (), found)
        _walk(method.output_type, f"{name} gives ", (), found)
    return found


def _walk(message: Descriptor, place: str, above: tuple[str, ...], found: Places) -> None:
    """A message that holds itself is followed once."""
    for field in message.fields:
        here = f"{place}{field.name}"
        found[here] = _wire(field)
        if field.enum_type is not None:
            found.update({f"{here} as {value.name}": str(value.number) for value in field.enum_type.values})
        if field.message_type is not None and field.message_type.full_name not in above:
            _walk(field.message_type, f"{here}.", (*above, field.message_type.full_name), found)


def _wire(field: FieldDescriptor) -> str:
    declared = field.message_type or field.enum_type
    kind = (
        declared.name
        if declared
        else FieldDescriptorProto.Type.DESCRIPTOR.values_by_number[field.type].name.removeprefix("TYPE_").lower()
    )
    return f"{'repeated ' if field.is_repeated else ''}{kind} = {field.number}"
