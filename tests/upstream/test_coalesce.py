"""Equal reads of different requests are one call, and none of them can harm, outlive or see another (C6, F40)."""

import asyncio
import gc
from contextvars import ContextVar
from random import Random

import pytest
from msgspec.structs import replace

from bff.deadline import Deadline
from bff.errors import BackendError, BackendTimeout, BackendUnreachable
from bff.testing import ManualClock
from bff.upstream.call import Attempt, Call, CallPolicy, Reply, Trace
from bff.upstream.coalesce import Coalesce
from bff.upstream.stats import ServiceStats
from tests.upstream.calls import settings, turns

SHARED = CallPolicy(shared=True)
who: ContextVar[str] = ContextVar("who", default="nobody")


class Backend:
    """Answers after 100 ms with what `end` is then; counts who was cut."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.seen: list[str] = []
        self.cancelled = self.running = 0
        self.end: Reply | BaseException = Reply(200, [(b"etag", b"1")], b"[1]")
        self.lasting = 0.1

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        self.seen.append(who.get())
        call.attempts.append(Attempt("a:1", call.kind, self.clock.now()))
        self.running += 1
        try:
            await self.clock.sleep(self.lasting)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(self.end, BaseException):
            raise self.end
        self.end.value = None if call.decode is None else call.decode(self.end.body)
        return self.end

    async def close(self) -> None:
        pass


class Pipe:
    def __init__(self, **given: object) -> None:
        self.clock = ManualClock()
        self.backend = Backend(self.clock)
        self.stats = ServiceStats()
        self.layer = Coalesce("shop", self.backend, settings(**given), self.stats, clock=self.clock)

    def call(self, target: str = "/", seconds: float = 0.8, **other: object) -> Call:
        made = Call("shop", "GET", target, Deadline.after(seconds, self.clock), policy=SHARED)
        return replace(made, **other)  # fields of a Call, by name

    def ask(self, call: Call | None = None) -> "asyncio.Task[Reply]":
        return asyncio.ensure_future(self.layer.send(call or self.call()))

    async def bodies(self, *calls: Call) -> list[bytes]:
        asking = [self.ask(call) for call in calls]
        await self.clock.advance(1)
        return [(await one).body for one in asking]


# What is one call


async def test_equal_reads_in_flight_are_one_call() -> None:
    pipe = Pipe()
    assert await pipe.bodies(*[pipe.call() for _ in range(10)]) == [b"[1]"] * 10
    assert (len(pipe.backend.calls), pipe.stats.coalesced) == (1, 9)


async def test_a_read_that_comes_later_is_a_call_of_its_own() -> None:
    pipe = Pipe()
    await pipe.bodies(pipe.call())
    await pipe.bodies(pipe.call())
    assert (len(pipe.backend.calls), pipe.stats.coalesced) == (2, 0)


def decode(raw: bytes) -> object:
    return list(raw)


async def test_what_differs_in_target_headers_or_type_is_not_equal() -> None:
    pipe = Pipe()
    different = [pipe.call(), pipe.call("/2"), pipe.call(headers=(("accept", "a/b"),)), pipe.call(decode=decode)]
    await pipe.bodies(*different)
    assert len(pipe.backend.calls) == 4


async def test_what_is_not_marked_or_not_a_get_is_sent_as_it_is() -> None:
    pipe = Pipe()
    plain = [pipe.call(policy=CallPolicy()) for _ in range(2)] + [pipe.call(method="POST") for _ in range(2)]
    await pipe.bodies(*plain)
    assert [id(sent) for sent in pipe.backend.calls] == [id(call) for call in plain]


async def test_who_gives_itself_little_time_or_one_attempt_has_a_call_of_its_own() -> None:
    pipe = Pipe()
    policies = (SHARED, SHARED._replace(timeout=0.2), SHARED._replace(retry=False), SHARED)
    await pipe.bodies(*[pipe.call(policy=policy) for policy in policies])
    assert [(sent.policy.timeout, sent.policy.retry) for sent in pipe.backend.calls] == [
        (None, None),
        (0.2, None),
        (None, False),
    ]


# What belongs to one request stays there


async def test_ids_of_a_request_are_neither_compared_nor_sent() -> None:
    pipe = Pipe()
    trace = Trace("0" * 31 + "1")
    await pipe.bodies(
        pipe.call(headers=(("x-request-id", "r-1"), ("accept", "a/b")), trace=trace),
        pipe.call(headers=(("x-request-id", "r-2"), ("accept", "a/b"), ("x-attempt", "1")), trace=trace),
    )
    (sent,) = pipe.backend.calls
    assert sent.headers == (("accept", "a/b"),)
    assert sent.trace is None


async def test_the_call_runs_with_nobodys_context() -> None:
    pipe = Pipe()
    who.set("ada")
    await pipe.bodies(pipe.call(), pipe.call())
    assert pipe.backend.seen == ["nobody"]


@pytest.mark.parametrize(
    "name", ["authorization", "cookie", "proxy-authorization", "x-forwarded-client-cert", "x-user-id", "x-internal-token"]
)
async def test_a_shared_call_that_says_who_asks_is_a_bug(name: str) -> None:
    pipe = Pipe()
    with pytest.raises(TypeError, match=f"a shared call must not say who asks, but has the header '{name}'; take `shared` off"):
        await pipe.layer.send(pipe.call(headers=(("accept", "a/b"), (name, "7"))))
    assert pipe.backend.calls == []


async def test_nobody_gets_a_value_or_a_list_that_another_one_has() -> None:
    pipe = Pipe()
    asking = [pipe.ask(pipe.call(decode=decode)) for _ in range(3)]
    await pipe.clock.advance(1)
    replies = [await one for one in asking]
    assert [(reply.body, reply.header(b"etag")) for reply in replies] == [(b"[1]", b"1")] * 3
    assert [reply.value for reply in replies] == [None] * 3  # each reader decodes for itself
    assert len({id(reply.headers) for reply in replies}) == 3


async def test_the_attempts_stand_with_who_asked_first() -> None:
    pipe = Pipe()
    first, second = pipe.call(), pipe.call()
    await pipe.bodies(first, second)
    assert ([attempt.instance for attempt in first.attempts], second.attempts) == (["a:1"], [])


# Who leaves, fails or is late


async def test_whoever_leaves_leaves_the_others_their_answer() -> None:
    pipe = Pipe()
    asking = [pipe.ask() for _ in range(3)]
    await pipe.clock.advance(0.05)
    asking[0].cancel()  # it was the first
    await pipe.clock.advance(1)
    assert asking[0].cancelled()
    assert [(await one).body for one in asking[1:]] == [b"[1]"] * 2
    assert (len(pipe.backend.calls), pipe.backend.cancelled) == (1, 0)


async def test_when_the_last_one_leaves_the_call_is_cut_and_the_next_one_is_new() -> None:
    pipe = Pipe()
    asking = [pipe.ask() for _ in range(3)]
    await pipe.clock.advance(0.05)
    for one in asking:
        one.cancel()
    later = pipe.ask()  # in the same turn: it must not join a call that is ending
    await pipe.clock.advance(0)
    assert (pipe.backend.cancelled, pipe.backend.running) == (1, 1)
    await pipe.clock.advance(1)
    assert (await later).body == b"[1]"


@pytest.mark.parametrize("error", [BackendUnreachable("shop"), BackendTimeout("shop"), TypeError("a bug")], ids=repr)
async def test_all_get_the_error_and_the_next_one_asks_again(error: Exception) -> None:
    pipe = Pipe()
    pipe.backend.end = error
    asking = [pipe.ask() for _ in range(3)]
    await pipe.clock.advance(1)
    for one in asking:
        with pytest.raises(type(error)) as caught:
            await one
        assert caught.value is error
    pipe.backend.end = Reply(200)
    await pipe.bodies(pipe.call())


async def test_the_call_has_the_services_time_and_each_reader_its_own() -> None:
    pipe = Pipe(timeout=0.8)
    pipe.backend.lasting = 0.5
    short, long = pipe.ask(pipe.call(seconds=0.2)), pipe.ask(pipe.call(seconds=0.8))
    await pipe.clock.advance(0.3)
    assert pipe.backend.calls[0].deadline.at == 1000.8
    assert isinstance(short.exception(), BackendTimeout)
    await pipe.clock.advance(1)
    assert (await long).body == b"[1]"


async def test_a_call_with_a_timeout_of_its_own_has_that() -> None:
    pipe = Pipe(timeout=0.8)
    pipe.ask(pipe.call(policy=CallPolicy(shared=True, hedge=True, timeout=0.3)))
    await pipe.clock.advance(0)
    (sent,) = pipe.backend.calls
    assert sent.deadline.at == 1000.3
    assert sent.policy == CallPolicy(hedge=True, timeout=0.3)
    await pipe.layer.close()


async def test_who_joined_late_asks_again_when_only_the_calls_own_time_was_up() -> None:
    pipe = Pipe(timeout=0.2)
    pipe.backend.lasting, pipe.backend.end = 0.2, BackendTimeout("shop")
    first = pipe.ask(pipe.call(seconds=0.2))
    await pipe.clock.advance(0.15)
    late = pipe.ask(pipe.call(seconds=0.5))
    await pipe.clock.advance(0.06)
    assert isinstance(first.exception(), BackendTimeout)
    pipe.backend.end = Reply(200, [], b"late")
    await pipe.clock.advance(1)
    assert (await late).body == b"late"
    assert len(pipe.backend.calls) == 2


async def test_nothing_is_sent_for_a_reader_whose_time_is_up() -> None:
    pipe = Pipe()
    with pytest.raises(BackendTimeout) as caught:
        await pipe.layer.send(pipe.call(seconds=0))
    assert caught.value.ours
    assert pipe.backend.calls == []


async def test_a_library_that_cancels_the_call_by_itself_cancels_no_reader() -> None:
    pipe = Pipe()
    pipe.backend.end = asyncio.CancelledError()
    asking = [pipe.ask() for _ in range(3)]
    await pipe.clock.advance(1)
    assert [type(one.exception()) for one in asking] == [BackendUnreachable] * 3


async def test_closing_ends_what_is_under_way() -> None:
    pipe = Pipe()
    asking = pipe.ask()
    await pipe.clock.advance(0.05)
    await pipe.layer.close()
    assert pipe.backend.running == 0
    await turns()
    assert isinstance(asking.exception(), BackendUnreachable)


async def test_a_failure_leaves_nothing_to_the_garbage_collector() -> None:
    """A worker seldom looks for circles (server/memory.py)."""

    def calls() -> int:
        return sum(type(found) is Call for found in gc.get_objects())

    pipe = Pipe()
    gc.collect()
    gc.disable()
    try:
        before = calls()
        pipe.backend.end = BackendUnreachable("shop")
        asking = [pipe.ask() for _ in range(3)]
        await pipe.clock.advance(1)
        assert all(isinstance(one.exception(), BackendUnreachable) for one in asking)
        assert calls() > before
        pipe.backend.end = Reply(200)
        pipe.backend.calls.clear()
        asking.clear()
        assert calls() == before
    finally:
        gc.enable()


async def test_f40_ten_thousand_cancels_at_random_moments_reach_nobody_else() -> None:
    pipe, chance = Pipe(timeout=5), Random(40)
    before = len(asyncio.all_tasks())
    kept: list[asyncio.Task[Reply]] = []
    left: list[asyncio.Task[Reply]] = []
    while len(left) < 10_000:
        pipe.backend.end = Reply(200, [], b"[1]") if chance.random() < 0.7 else BackendUnreachable("shop")
        pipe.backend.lasting = chance.uniform(0.001, 0.02)
        here = [pipe.ask(pipe.call(f"/{chance.randrange(3)}", 5)) for _ in range(20)]
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        leaving = chance.sample(here, 15)
        for one in leaving[:8]:
            one.cancel()
        await pipe.clock.advance(chance.uniform(0, 0.02))
        for one in leaving[8:]:
            one.cancel()
        left += leaving
        kept += set(here) - set(leaving)
    await pipe.clock.advance(10)
    assert all(one.done() for one in left + kept)
    assert not any(one.cancelled() for one in kept)
    ends = [one.exception() for one in kept]
    assert all(end is None or isinstance(end, BackendError) for end in ends)
    assert sum(one.cancelled() for one in left) > 5_000
    for one in left:
        assert one.cancelled() or one.exception() is None or isinstance(one.exception(), BackendUnreachable)
    assert (pipe.backend.running, len(asyncio.all_tasks())) == (0, before)
    assert pipe.layer._flights == {}
    assert pipe.layer._tasks == set()
