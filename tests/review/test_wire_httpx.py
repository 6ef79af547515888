"""A header in the upper half of Latin-1 is the client's to send (RFC 9110 section 5.5): over httpx too it goes on."""

from bff import Deadline
from bff.testing import StubService
from bff.upstream.call import Call
from bff.upstream.wire_httpx import HttpxWire


async def test_an_obs_text_header_is_sent_as_it_came() -> None:
    async with StubService({"/x": 1}) as stub:
        wire = HttpxWire("users", [f"http://{stub.address}"])
        reply = await wire.send(Call("users", "GET", "/x", Deadline.after(5), (("accept-language", "\xe9"),)))
        await wire.close()
        assert reply.status == 200
        assert stub.seen[0].headers["accept-language"] == "\xe9"
