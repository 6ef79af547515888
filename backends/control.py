"""The switches of one service, on a port of their own so that they work while the service is off.

GET    /_control         fault, faults by path, off, counters
PUT    /_control         {"kind": "latency", "ms": 300}; "off" goes away; with "path" it holds for that path only
DELETE /_control         heal
POST   /_control/reset   zero the counters
"""

from typing import Literal

import msgspec

from bff.testing.faults import Fault, Kind
from bff.testing.stub import Handler, StubReply, StubRequest, StubService


class Switch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of PUT /_control: a Fault's fields (`raw` in base64), or "off"."""

    kind: Kind | Literal["off"]
    path: str | None = None
    ms: int = 0
    status: int = 500
    bytes_per_second: int = 1
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
    retry_after: float | None = None


METHODS = {"/_control": ("DELETE", "GET", "PUT"), "/_control/reset": ("POST",)}


def control_of(service: StubService) -> Handler:
    """The handler of a service's control port. Each answer is the state after what was asked."""

    async def answer(request: StubRequest) -> StubReply:
        allowed = METHODS.get(request.path)
        if allowed is None:
            return StubReply.json({"error": f"no {request.path}"}, 404)
        if request.method not in allowed:
            return StubReply(b"{}", 405, headers=(("Allow", ", ".join(allowed)),))
        match request.method:
            case "PUT":
                try:
                    await turn(service, msgspec.json.decode(request.body, type=Switch))
                except msgspec.DecodeError as error:
                    return StubReply.json({"error": str(error)}, 422)
            case "DELETE":
                service.fault = None
                service.faults.clear()
                await service.resume()
            case "POST":
                service.reset_counters()
        return StubReply(msgspec.json.encode(state(service)))

    return answer


async def turn(service: StubService, switch: Switch) -> None:
    """Put the service in the state that `switch` names; a fault also brings back one that is off."""
    if switch.kind == "off":
        await service.stop_listening()
        return
    fault = Fault(
        switch.kind, switch.ms, switch.status, switch.bytes_per_second, switch.headers, switch.raw, switch.retry_after
    )
    if switch.path is None:
        service.fault = fault
    else:
        service.faults[switch.path] = fault
    await service.resume()


def state(service: StubService) -> dict[str, object]:
    return {
        "service": service.name,
        "address": service.address,
        "off": not service.listening,
        "fault": service.fault,
        "faults": service.faults,
        "counters": service.counters.as_dict(),
    }
