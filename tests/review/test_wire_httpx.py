"""A header in the upper half of Latin-1 is the client's to send (RFC 9110 section 5.5): over httpx too it goes on."""

from bff import Deadline
from bff.endpoint import Endpoint
from bff.testing import StubService
from bff.upstream.call import Attempt, Call
from bff.upstream.stats import InstanceStats
from bff.upstream.wire_httpx import HttpxWire


async def test_an_obs_text_header_is_sent_as_it_came() -> None:
    async with StubService({"/x": 1}) as stub:
        wire = HttpxWire("users", Endpoint.of(f"http://{stub.address}"), InstanceStats())
        call = Call("users", "GET", "/x", Deadline.after(5), (("accept-language", "\xe9"),))
        reply = await wire.send(call, Attempt(stub.address, "first", 0.0))
        await wire.close()
        assert reply.status == 200
        assert stub.seen[0].headers["accept-language"] == "\xe9"
