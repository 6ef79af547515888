"""gRPC messages by a .proto file, which is read when the client class is made: there are no generated files.

    delivery = ProtoFile("clients/delivery.proto")
    track = delivery.method("/delivery.v1.Delivery/Track")      # a Codec: encode, decoder

Fields keep the names of the .proto; enums are their names, 64-bit integers are kept exactly, a Timestamp is a datetime,
bytes are bytes. What proto3 does not send is its default; a message or `optional` field that is absent is left out, so
the Struct's field needs a default. Compiling takes about 1 ms a file, so nothing is cached beside the object itself.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types
from msgspec import inspect

from bff.errors import Refusal
from bff.upstream.codecs.codec import CodecError, told
from bff.upstream.codecs.shapes import RECORDS, choices, item_of, refuse_unfillable

T = TypeVar("T")


class ProtoFile:
    """One compiled .proto with all it imports, in a pool of its own: two services may use the same message names.

    `include` are further folders that its imports are looked for in; its own comes first.
    """

    def __init__(self, path: str | Path, *, include: Sequence[str | Path] = ()) -> None:
        self.path = Path(path)
        self._pool = DescriptorPool()
        compiled = FileDescriptorSet.FromString(_compile(self.path, [self.path.parent, *map(Path, include)]))
        for file in compiled.file:  # protoc writes them in order: what is imported stands first
            self._pool.Add(file)
        self._files = [file.name for file in compiled.file]
        self._services = [f"{file.package}.{service.name}".lstrip(".") for file in compiled.file for service in file.service]

    def method(self, full_name: str) -> "GrpcMethod":
        """The codec of `/package.Service/Method`; Refusal if the file has no such unary method."""
        found = self.described(full_name)
        if found.client_streaming or found.server_streaming:
            raise Refusal([f"{self.path}: {full_name} streams, a client's method is one call and one answer"])
        return GrpcMethod(found, self._pool)

    def described(self, full_name: str) -> MethodDescriptor:
        """The method with its messages, as protobuf describes it; Refusal if the file has none of that name."""
        service, _, name = full_name.lstrip("/").partition("/")
        found = self._pool.FindServiceByName(service).methods_by_name.get(name) if service in self._services else None
        if found is None:
            raise Refusal([f"{self.path}: no method {full_name}; it has {', '.join(self.methods()) or 'none'}"])
        return found

    def files(self) -> list[str]:
        """The .proto and all it imports, by the names that they are imported by."""
        return self._files

    def methods(self) -> list[str]:
        """Full names of all methods, streams included."""
        return [
            f"/{service}/{method.name}"
            for service in self._services
            for method in self._pool.FindServiceByName(service).methods
        ]


class GrpcMethod:
    """The codec of one method: its request's message and its answer's.

    `repeatable`: its .proto says that it may be sent twice (`option idempotency_level = NO_SIDE_EFFECTS` or IDEMPOTENT).
    """

    content_type = "application/grpc+proto"
    accept = "application/grpc+proto"

    def __init__(self, method: MethodDescriptor, pool: DescriptorPool) -> None:
        self._pool = pool
        self._request = message_factory.GetMessageClass(method.input_type)
        self._answer = message_factory.GetMessageClass(method.output_type)
        self._promised = method.output_type
        self.repeatable = method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN

    def encode(self, body: object) -> bytes:
        plain = msgspec.to_builtins(body, str_keys=True)
        try:
            return json_format.ParseDict(plain, self._request(), descriptor_pool=self._pool).SerializeToString()
        except json_format.ParseError as error:
            raise TypeError(f"{self._request.DESCRIPTOR.full_name} cannot hold this body: {error}") from error

    def decoder(self, kind: type[T], /) -> Callable[[bytes], T]:
        refuse_unfillable(kind)
        _refuse_unknown_fields(inspect.type_info(kind), self._promised, set())

        def read(raw: bytes) -> T:
            try:
                return msgspec.convert(self._plain(raw), kind, strict=False)
            except msgspec.ValidationError as error:
                raise told(error) from error

        return read

    def _plain(self, raw: bytes) -> dict[str, object]:
        try:
            message: Message = self._answer.FromString(raw)
        except DecodeError as error:  # malformed, not UTF-8, or nested over 100 deep
            raise CodecError(f"not a {self._promised.full_name}: {error}") from error
        try:
            return json_format.MessageToDict(
                message,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
                descriptor_pool=self._pool,
            )
        except (json_format.Error, TypeError) as error:  # a time out of range, an Any of unknown type
            raise CodecError(f"{self._promised.full_name} has no plain form: {error}") from error


def _refuse_unknown_fields(shape: inspect.Type, message: Descriptor, seen: set[int]) -> None:
    """TypeError for a field that the .proto does not have: a misspelt one would hold its default for ever."""
    for record in choices(item_of(shape) or shape):
        if not isinstance(record, RECORDS) or id(record) in seen:
            continue
        seen.add(id(record))
        for field in record.fields:
            known = message.fields_by_name.get(field.encode_name)
            if known is None:
                names = ", ".join(message.fields_by_name)
                raise TypeError(f"{record.cls.__name__}.{field.encode_name}: {message.full_name} has only {names}")
            if known.message_type is not None and not known.message_type.full_name.startswith("google.protobuf."):
                _refuse_unknown_fields(field.type, known.message_type, seen)


def _compile(path: Path, include: Sequence[Path]) -> bytes:
    """The file and its imports as a serialized FileDescriptorSet; Refusal carries protoc's own lines.

    protoc runs in this process (1 ms, against 70 ms in its own); what it says of a faulty file goes to standard error
    there, so it is asked once more where that can be read.
    """
    if not path.is_file():
        raise Refusal([f"{path}: there is no such .proto file; the path is taken from {Path.cwd()}"])
    folders = [f"-I{folder}" for folder in [*include, files("grpc_tools") / "_proto"]]
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "descriptors")
        arguments = ["protoc", *folders, "--include_imports", f"--descriptor_set_out={out}", str(path)]
        if protoc.main(arguments) != 0:
            told_why = subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments[1:]], capture_output=True)
            raise Refusal(told_why.stderr.decode(errors="replace").splitlines())
        return out.read_bytes()
