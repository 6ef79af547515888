"""What is over a soft limit waits for its turn; what cannot wait is refused at once."""

import asyncio

import pytest

from bff.caller import Caller
from bff.faces.problems import Problem
from bff.gateway.body import ClientGone
from bff.gateway.quota import Quota
from bff.gateway.throttle import Throttle
from bff.limit_settings import RateLimitSettings
from bff.state.limiter import Limiter
from bff.state.limits_policy import Counting, Policy, Verdict
from bff.testing import ManualClock
from tests.gateway.kit import Peer
from tests.gateway.quota_kit import HOME, PLACES, asked, field_of, pass_, problem_of
from tests.redis_server import redis_server
from tests.state.limiter_kit import instances


class Line:
    """Requests to one throttled place, and how each went: seconds that it waited, or None if it was refused."""

    def __init__(self, settings: RateLimitSettings, clock: ManualClock | None = None, limiter: Limiter | None = None) -> None:
        self.clock = clock or ManualClock()
        self.quota = Quota(limiter, {"soft": settings}, PLACES, clock=self.clock)
        self.went: dict[int, float | None] = {}
        self.order: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, caller: str = "ada", headers: dict[str, str] | None = None, body: bytes | None = None) -> None:
        number = len(self.tasks)
        self.tasks.append(asyncio.create_task(self._ask(number, caller, headers, body)))
        await self.clock.advance(0)

    async def _ask(self, number: int, caller: str, headers: dict[str, str] | None, body: bytes | None) -> None:
        begun = self.clock.now()
        request = asked(HOME, Caller(id=caller), headers=headers, body=body)
        problem = await problem_of(self.quota, request)
        if problem is None:
            self.went[number] = self.clock.now() - begun
            self.order.append(number)
        else:
            assert problem.kind == "quota-exceeded"
            assert int(dict(problem.headers)[b"retry-after"]) >= 1
            self.went[number] = None
        assert field_of(request, b"ratelimit")

    @property
    def refused(self) -> list[int]:
        return [number for number, waited in self.went.items() if waited is None]

    @property
    def waits(self) -> list[float]:
        return [waited for waited in self.went.values() if waited is not None]

    @property
    def waiting(self) -> int:
        return len(self.tasks) - len(self.went)


def soft(limit: int = 1, *, window: float = 1.0, queue: int = 100, max_wait: float = 5.0) -> RateLimitSettings:
    return RateLimitSettings(limit=limit, window=window, over="delay", queue=queue, max_wait=max_wait)


@pytest.mark.parametrize("algorithm", ["sliding", "bucket"])
async def test_eighty_a_second_at_a_soft_limit_of_fifty(algorithm: Counting) -> None:
    """Delayed within the stated wait; nobody is refused until the line is full, and then those who find it so."""
    settings = RateLimitSettings(
        limit=50,
        window=1,
        algorithm=algorithm,
        over="delay",
        queue=100,
        max_wait=2.5,
    )
    line = Line(settings)
    full_before_the_first_refusal = 0
    for _ in range(5 * 80):
        if not line.refused:
            full_before_the_first_refusal = line.waiting
        await line.ask()
        await line.clock.advance(1 / 80)
        assert line.waiting <= 100
    assert full_before_the_first_refusal == 100
    refused = len(line.refused)
    assert 1 <= refused <= 400 - 5 * 50 - 100
    await line.clock.advance(3)
    assert line.waiting == 0
    assert len(line.refused) == refused
    assert max(line.waits) <= 2.5
    assert line.order == sorted(line.order)
    assert line.quota.decisions["soft", "refused"] == refused
    assert line.quota.decisions["soft", "delayed"] > 200


async def test_who_comes_later_does_not_overtake() -> None:
    line = Line(soft())
    for _ in range(4):
        await line.ask()
    await line.clock.advance(0.999)
    await line.ask()
    await line.clock.advance(10)
    assert line.order == [0, 1, 2, 3, 4]
    assert line.waits == pytest.approx([0, 1, 2, 3, 3.001], abs=0.01)


async def test_one_callers_line_does_not_hold_up_another() -> None:
    line = Line(soft())
    for caller in ("ada", "ada", "ada", "bob"):
        await line.ask(caller)
    assert line.order == [0, 3]


async def test_whose_turn_would_come_too_late_is_refused_at_once() -> None:
    line = Line(soft(max_wait=2.5))
    for _ in range(5):
        await line.ask()
    assert line.refused == [3, 4]
    assert line.order == [0]


async def test_nobody_is_held_back_beyond_the_clients_own_budget() -> None:
    line = Line(soft())
    await line.ask()
    await line.ask(headers={"request-timeout": "900"})
    assert line.refused == [1]
    await line.ask(headers={"request-timeout": "60000"})
    assert line.waiting == 1
    await line.clock.advance(5)
    assert line.order == [0, 2]


async def test_a_window_that_is_used_up_for_long_refuses_at_once() -> None:
    line = Line(soft(2, window=60))
    for _ in range(4):
        await line.ask()
    assert line.refused == [2, 3]


async def test_a_refusal_from_before_one_stood_in_line_is_not_waited_for_again() -> None:
    clock, policy = ManualClock(), Policy("p", 1, 1.0)
    throttle, refused = Throttle(policy, soft(), clock), Verdict(policy, False, 0, 1.0, 1.0)

    async def take() -> Verdict:
        return Verdict(policy, True, 0, 1.0)

    turns = [asyncio.create_task(throttle.turn("k", take, refused, None)) for _ in range(3)]
    await clock.advance(1.01)
    assert all(turn.done() and turn.result().allowed for turn in turns)
    assert throttle.waiting == 0


async def test_who_is_cancelled_leaves_the_line_and_the_next_moves_up() -> None:
    line = Line(soft())
    for _ in range(4):
        await line.ask()
    line.tasks[1].cancel()
    line.tasks[2].cancel()
    await line.clock.advance(1.01)
    assert line.order == [0, 3]


async def test_a_client_that_goes_leaves_the_line() -> None:
    """By the machine's clock, since that is what the watch for clients goes by."""
    ours = Quota(None, {"soft": soft(window=1.0)}, PLACES)
    await pass_(ours, asked())
    peer = Peer([b"{", b"}"])
    request = asked(body=b"", peer=peer)
    leaving = asyncio.create_task(pass_(ours, request))
    behind = asyncio.create_task(pass_(ours, asked()))
    peer.gone.set()
    with pytest.raises(ClientGone):
        await asyncio.wait_for(leaving, 0.9)
    await asyncio.wait_for(behind, 1.9)
    assert request.body == b"{}"  # what the watch for its going reads would be lost to who stands behind


async def test_a_body_is_read_before_its_request_waits() -> None:
    line = Line(soft())
    await line.ask()
    await line.ask(body=b'{"a": 1}')
    assert line.waiting == 1
    await line.clock.advance(1.01)
    assert line.order == [0, 1]


async def test_a_hard_limit_beside_a_soft_one_refuses_at_once() -> None:
    clock = ManualClock()
    limits = {"soft": soft(), "hard": RateLimitSettings(limit=2, window=60)}
    ours = Quota(None, limits, PLACES, clock=clock)
    await pass_(ours, asked())
    waiting = asyncio.create_task(pass_(ours, asked()))
    await clock.advance(1.01)
    assert field_of(waiting.result(), b"ratelimit") == '"hard";r=0;t=60, "soft";r=0;t=1'
    with pytest.raises(Problem) as refused:
        await pass_(ours, asked())
    assert refused.value.members == {"violated-policies": ["hard"]}


async def test_lines_on_several_instances_keep_one_shared_limit() -> None:
    async with redis_server() as server, instances(server) as three:
        await three.meet()
        settings = RateLimitSettings(limit=20, window=1.0, over="delay", queue=30, max_wait=60.0)
        lines = [Line(settings, three.clock, limiter) for limiter in three.all]
        begun = three.clock.now()
        for number in range(60):
            await lines[number % 3].ask()
        while any(line.waiting for line in lines):
            assert three.clock.now() - begun < 30
            if sum(len(line.order) for line in lines) > 20:
                assert three.clock.now() - begun >= 1
            await three.clock.advance(0.01)
            await asyncio.sleep(0.001)  # Redis answers by the machine's time
        assert three.clock.now() - begun >= 2
        for line in lines:
            assert sorted(line.order) == list(range(20))


async def test_what_costs_more_waits_for_longer_and_is_refused_at_once_when_that_is_too_long() -> None:
    clock = ManualClock()
    settings = RateLimitSettings(limit=10, window=10.0, over="delay", max_wait=3.0)
    throttle = Throttle(Policy.of("soft", settings), settings, clock)
    never = Verdict(Policy.of("soft", settings), False, 0, 1.0, 1.0)

    async def take() -> Verdict:
        return never

    first = asyncio.create_task(throttle.turn("k", take, never, None, 2))
    await clock.advance(0)
    assert throttle.waiting == 1
    told = await throttle.turn("k", take, never, None, 2)  # two of them take four places, which come in four seconds
    assert (told.allowed, throttle.waiting) == (False, 1)
    first.cancel()
    await asyncio.wait([first])
    assert throttle.waiting == 0
