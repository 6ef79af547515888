"""A gRPC service with the stub's switches: the same faults where they mean something, the same counters.

Messages are compiled from the .proto at start; methods take and give plain values, field names as in the .proto.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
import grpc.aio
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

from backends.asker import ANYBODY, Asker, Door
from backends.web import Refused
from bff.inside import HEADER
from bff.testing.faults import Fault
from bff.testing.stub import StubRecord, StubService


class Asked(dict[str, object]):
    """A request's message, and who asks."""

    asker: Asker = ANYBODY


Method = Callable[[Asked], dict[str, object]]
Context = grpc.aio.ServicerContext[Message, Message]

CODES = {  # what an HTTP status is called here: for refusals and for Fault("status")
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class GrpcService(StubService):
    """Serves unary methods by name. `latency`, `hang` and `status` work as for HTTP; any other fault is UNAVAILABLE,
    which is what a gRPC client makes of a broken connection. Connections and bytes out are not counted.

    With a `door` methods are told who asks: `asked.asker.only(user_id)`.
    """

    door: Door | None = None

    def __init__(self, name: str, proto: Path, methods: Mapping[str, Method]) -> None:
        super().__init__({}, name=name)
        self._handlers: dict[str, grpc.RpcMethodHandler[Message, Message]] = {}
        [service] = compiled(proto).services_by_name.values()
        for method in service.methods:
            self._handlers[method.name] = self._handler(method, methods[method.name])
        self._service_name = service.full_name
        self._grpc: grpc.aio.Server | None = None

    async def resume(self) -> None:
        if self._listening:
            return
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))  # a second copy must fail, not share the port
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(self._service_name, self._handlers)])
        try:
            self.port = server.add_insecure_port(f"{self.host}:{self.port}")
        except RuntimeError as error:
            raise OSError(f"{self.name} cannot listen on {self.address}") from error
        await server.start()
        self._grpc, self._listening = server, True

    async def stop_listening(self) -> None:
        server, self._grpc = self._grpc, None
        self._listening = False
        if server is not None:
            await server.stop(grace=None)

    def _handler(self, method: MethodDescriptor, run: Method) -> "grpc.RpcMethodHandler[Message, Message]":
        taken = message_factory.GetMessageClass(method.input_type)
        answered = message_factory.GetMessageClass(method.output_type)
        path = f"/{method.containing_service.full_name}/{method.name}"

        async def serve(request: Message, context: Context) -> Message:
            with self._recorded(path, request):
                await self._suffer(self.faults.get(path, self.fault), context)
                asked = Asked(plain(request))
                try:
                    if self.door is not None:
                        asked.asker = await self.door.asker(_told(context))
                    given = run(asked)
                except Refused as refused:
                    await context.abort(CODES[refused.status], refused.text)
                return json_format.ParseDict(given, answered())

        return grpc.unary_unary_rpc_method_handler(
            serve, request_deserializer=taken.FromString, response_serializer=answered.SerializeToString
        )

    @contextmanager
    def _recorded(self, path: str, request: Message) -> Iterator[None]:
        """Enter the call in the books, and its end when its work is over."""
        counters, record = self.counters, StubRecord("POST", path, path, {})
        self.seen.append(record)
        counters.calls += 1
        counters.bytes_in += request.ByteSize()
        self.changed()
        try:
            yield
        except asyncio.CancelledError:
            record.cancelled = self._listening  # else it is us who went away
            raise
        finally:
            record.ended = time.monotonic()
            counters.cancels += record.cancelled
            counters.finished += not record.cancelled
            self.changed()

    async def _suffer(self, fault: Fault | None, context: Context) -> None:
        """Wait or abort as `fault` has it; return if the call is to be answered well."""
        if fault is None:
            return
        await asyncio.sleep(fault.ms / 1000)
        if fault.kind == "hang":
            await asyncio.get_running_loop().create_future()  # ended by the caller's cancel or deadline
        if fault.kind == "status":
            await context.abort(CODES.get(fault.status, grpc.StatusCode.UNKNOWN), "fault")
        if fault.kind != "latency":
            await context.abort(grpc.StatusCode.UNAVAILABLE, fault.kind)


def _told(context: Context) -> str | None:
    """What the call's metadata says of who asks; more than one word is none."""
    words = [value for name, value in context.invocation_metadata() or () if name == HEADER]
    return words[0] if len(words) == 1 and isinstance(words[0], str) else None


def plain(message: Message) -> dict[str, object]:
    """A message as values: every field there, names as in the .proto, enums as their names."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def compiled(proto: Path) -> FileDescriptor:
    """The descriptor of one .proto that imports nothing, in a pool of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "descriptors")
        if protoc.main(["protoc", f"-I{proto.parent}", f"--descriptor_set_out={out}", str(proto)]) != 0:
            raise ValueError(f"{proto} does not compile; protoc says why on standard error")
        files = FileDescriptorSet.FromString(out.read_bytes())
    pool = DescriptorPool()
    pool.Add(files.file[0])
    return pool.FindFileByName(proto.name)
