"""A real OTLP/HTTP receiver: what it was sent, decoded."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE = 20.0


class Receiver:
    """Spans by their trace; `service` is what their resource names itself. While `open` is not set it answers nobody."""

    def __init__(self, port: int) -> None:
        self.open = threading.Event()
        self.open.set()
        self.endpoint = f"http://127.0.0.1:{port}/v1/traces"
        self.service = ""
        self._spans: list[Span] = []
        self._more = threading.Condition()

    def take(self, body: bytes) -> None:
        with self._more:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                self.service = names["service.name"]
                for scope in resource.scope_spans:
                    self._spans.extend(scope.spans)
            self._more.notify_all()

    def spans(self, trace_id: str) -> list[Span]:
        """All spans of a trace, once there are any; a trace is sent whole."""

        def found() -> list[Span]:
            return [span for span in self._spans if span.trace_id.hex() == trace_id]

        with self._more:
            assert self._more.wait_for(found, PATIENCE), f"no span of {trace_id} came"
            return found()

    def count(self, trace_id: str) -> int:
        """How many of a trace's spans are here now."""
        with self._more:
            return sum(span.trace_id.hex() == trace_id for span in self._spans)


def attributes(span: Span) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""
    found: Receiver

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.open.wait(PATIENCE)
            found.take(self.rfile.read(int(self.headers["content-length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server names it; Any: its own
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.open.set()
        server.shutdown()
        thread.join()
        server.server_close()
