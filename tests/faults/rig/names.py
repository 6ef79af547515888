"""A DNS server of a few lines: A records that a scenario changes, or no answer at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class Names(asyncio.DatagramProtocol):
    """`records` are name (with its last dot) to addresses; `down` answers nothing. `asked` counts questions."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.down = False
        self.asked = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.asked += 1
        if self.down:
            return
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        question = query.question[0]
        found = self.records.get(question.name.to_text(), [])
        if not found:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif dns.rdatatype.to_text(question.rdtype) == "A":
            answer.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", *found))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def names() -> AsyncIterator[Names]:
    """Answers on a free port of 127.0.0.1 inside the block."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
