"""The rig's backends: one lean process, many services of several copies each, switched at run time by a control port.

    python -m tests.faults.rig.stub users=1 picks=3

prints its ports as one line of JSON and serves until its standard input ends. No task and no parser library on the way
of a request: it must offer at least twice the rate that a scenario asks of it.
"""

import asyncio
import sys
from collections.abc import Sequence

import msgspec
import uvloop

from tests.faults.rig.behaviour import Away, Command, Counts, Log, Ports, Reset, Set
from tests.faults.rig.stub_service import StubCopy

_command = msgspec.json.Decoder(Command)


class Stubs:
    """All services by name, and the control port."""

    def __init__(self, copies: dict[str, int]) -> None:
        self._services = {name: [StubCopy(name, number) for number in range(count)] for name, count in copies.items()}

    async def start(self) -> Ports:
        control = await asyncio.start_server(self._control, "127.0.0.1", 0, limit=1 << 24)  # a behaviour has its body in it
        for copy in self._all():
            await copy.listen()
        ports = {name: [copy.port for copy in copies] for name, copies in self._services.items()}
        return Ports(control.sockets[0].getsockname()[1], ports)

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(msgspec.json.encode(await self._do(_command.decode(line))) + b"\n")
            await writer.drain()
        writer.close()

    async def _do(self, command: Command) -> object:
        match command:
            case Set(service, fault, well, instance):
                for copy in self._named(service, instance):
                    copy.fault, copy.well = fault, well or copy.well
            case Away(service, away, instance):
                for copy in self._named(service, instance):
                    await (copy.leave() if away else copy.listen())
            case Reset():
                for copy in self._all():
                    copy.reset()
                    await copy.listen()
            case Counts():
                return {name: [copy.count for copy in copies] for name, copies in self._services.items()}
            case Log(service):
                return [copy.log for copy in self._services[service]]
        return None

    def _named(self, service: str, instance: int | None) -> Sequence[StubCopy]:
        copies = self._services[service]
        return copies if instance is None else [copies[instance]]

    def _all(self) -> list[StubCopy]:
        return [copy for copies in self._services.values() for copy in copies]


async def main(arguments: Sequence[str]) -> None:
    copies = {name: int(count or 1) for name, _, count in (argument.partition("=") for argument in arguments)}
    ports = await Stubs(copies).start()
    sys.stdout.write(msgspec.json.encode(ports).decode() + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)  # who started us has gone when this ends


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
