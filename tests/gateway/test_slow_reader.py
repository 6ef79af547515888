"""Long answers to slow readers: what waits for them holds so much together, and the slowest go first (F46)."""

import asyncio

import pytest
from starlette.types import Message

from bff.gateway.body import ClientGone
from bff.gateway.request import Request
from bff.gateway.slow_reader import AHEAD, PARKED_AFTER, PART, SMALL, START, Body, Parked, in_parts
from bff.server.shutter import SHUT
from bff.testing import ManualClock
from tests.gateway.kit import Peer, scope_of

LENGTH = 256 * 1024
# What an answer of LENGTH counts for when none of its parts was taken.
WHOLE = LENGTH + AHEAD * SMALL


class Client:
    """Takes a part whenever it is let to, and as many as it likes with `fast`."""

    def __init__(self, parked: Parked, *, length: int = LENGTH, within: float = 30.0, fast: bool = False) -> None:
        self.got = bytearray()
        self.sizes: list[int] = []
        self.shut: list[object] = []
        self.wanted = asyncio.Semaphore(1_000_000 if fast else 0)
        scope = scope_of("/x", "GET", []) | {"client": ("192.0.2.1", 9), SHUT: self.shut.append}
        self.request = Request(scope, Peer().receive, 0.0)
        self.sent = bytes(range(256)) * (length // 256)
        self.body = Body(self.sent)
        self.task = asyncio.create_task(in_parts(self.request, self.body, self._send, within, parked))

    async def _send(self, message: Message) -> None:
        await self.wanted.acquire()
        self.got += message["body"]
        self.sizes.append(len(message["body"]))

    @property
    def given_up(self) -> bool:
        return self.task.done() and isinstance(self.task.exception(), ClientGone)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def yard(answers: int) -> tuple[Parked, ManualClock]:
    """Room for so many answers of which nothing is taken."""
    clock = ManualClock()
    return Parked(answers * WHOLE, clock), clock


async def test_an_answer_counts_once_a_part_was_not_taken_for_a_second() -> None:
    parked, clock = yard(2)
    client = Client(parked)
    await clock.advance(PARKED_AFTER - 0.01)
    assert (len(parked), parked.held) == (0, 0)
    await clock.advance(0.02)
    assert (len(parked), parked.held) == (1, WHOLE)
    await client.leave()
    assert (len(parked), parked.held) == (0, 0)


async def test_fast_readers_of_large_answers_are_never_touched() -> None:
    """However much they are together, with others parked beside them."""
    parked, clock = yard(1)
    slow = Client(parked, within=100.0)
    await clock.advance(2)
    steady = [Client(parked) for _ in range(10)]
    for _ in range(LENGTH // SMALL):
        for client in steady:
            client.wanted.release()
        await clock.advance(PARKED_AFTER * 0.9)
    assert all(client.task.done() and bytes(client.got) == client.sent for client in steady)
    assert len(parked) == 1
    await slow.leave()


async def test_when_there_is_no_room_the_one_parked_longest_goes_and_the_newest_stays() -> None:
    parked, clock = yard(2)
    clients = []
    for _ in range(4):
        clients.append(Client(parked))
        await clock.advance(2)
    assert [client.given_up for client in clients] == [True, True, False, False]
    assert parked.held == 2 * WHOLE
    assert clients[0].request.refused == "reads too slowly"
    assert clients[0].shut == [("192.0.2.1", 9)]
    assert clients[2].shut == []
    for client in clients[2:]:
        await client.leave()


async def test_of_those_parked_as_long_the_slowest_goes() -> None:
    parked, clock = yard(2)
    clients = [Client(parked), Client(parked)]
    await clock.advance(2)
    clients[0].wanted.release()
    await clock.advance(2)
    newest = Client(parked)
    await clock.advance(2)
    assert [client.given_up for client in (*clients, newest)] == [False, True, False]
    for client in (clients[0], newest):
        await client.leave()


async def test_a_slow_reader_with_room_gets_its_answer_whole() -> None:
    parked, clock = yard(1)
    client = Client(parked)
    for _ in range(LENGTH // SMALL):
        await clock.advance(3)
        client.wanted.release()
    await clock.advance(0.1)
    await client.task
    assert bytes(client.got) == client.sent
    assert parked.held == 0


async def test_what_a_parked_reader_has_taken_is_let_go_of_and_counts_no_more() -> None:
    parked, clock = yard(1)
    client = Client(parked)
    await clock.advance(2)
    for _ in range(LENGTH // SMALL // 2):
        client.wanted.release()
        await clock.advance(0.1)
    assert client.body.held <= LENGTH // 2
    assert parked.held == client.body.held + AHEAD * SMALL
    await client.leave()
    assert parked.held == 0


async def test_an_answer_that_alone_is_too_much_is_given_up_when_it_parks() -> None:
    parked, clock = yard(1)
    client = Client(parked, length=2 * LENGTH)
    await clock.advance(2)
    assert client.given_up
    assert parked.held == 0


async def test_a_part_that_is_not_taken_in_time_ends_its_answer_parked_or_not() -> None:
    parked, clock = yard(2)
    short, long = Client(parked, within=0.5), Client(parked, within=30.0)
    await clock.advance(0.6)
    assert short.given_up
    await clock.advance(29)
    assert not long.task.done()
    await clock.advance(1)
    assert long.given_up
    assert (len(parked), parked.held) == (0, 0)


async def test_parts_are_small_until_the_client_is_seen_to_read_and_never_larger_than_a_whole_answer() -> None:
    clock = ManualClock()
    client = Client(Parked(clock=clock), length=4 * START, fast=True)
    await client.task
    assert set(client.sizes[: START // SMALL]) == {SMALL}
    assert client.sizes == sorted(client.sizes[:-1]) + client.sizes[-1:]
    assert max(client.sizes) == PART
    assert bytes(client.got) == client.sent


@pytest.mark.parametrize("length", [256, SMALL, SMALL + 256, PART + 256])
async def test_the_last_part_says_so(length: int) -> None:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    body = Body(b"x" * length)
    await in_parts(Request(scope_of("/x", "GET", []), Peer().receive, 0.0), body, send)
    assert [message["more_body"] for message in messages] == [True] * (len(messages) - 1) + [False]
    assert len(body) == 0
