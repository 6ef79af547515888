"""The rules of running (design.md section 3), each by a screen built in its test."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bff import App, BackendError, BackendTimeout, Caller, Client, Deadline, Missing, Screen, field, needs, section
from bff.composition.engine import SectionFailed
from bff.deadline import Timer, current_deadline
from bff.testing import ManualClock, run

APP = App("mobile")


@dataclass
class Card:
    name: str
    rating: float | None = None


@dataclass
class Page:
    head: str
    body: str | None = None
    cards: list[Card] | None = None


class Catalog(Client, service="catalog"):
    async def read(self, what: str) -> str:
        return await self.get("/{what}", str, what=what)


class FakeCatalog(Catalog):
    """Gives words back; a dictionary says how long each takes and which ones fail."""

    def __init__(self, clock: ManualClock | None = None, **ways: float | BackendError | Exception) -> None:
        super().__init__()
        self.clock = clock
        self.ways = ways
        self.asked: list[str] = []
        self.cancelled: list[str] = []

    async def read(self, what: str) -> str:
        self.asked.append(what)
        way = self.ways.get(what)
        if isinstance(way, Exception):
            raise way
        if way is not None and self.clock is not None:
            try:
                await self.clock.sleep(way)
            except asyncio.CancelledError:
                self.cancelled.append(what)
                raise
        return what


def page(head: object, body: object = None, cards: object = None, *, budget: float = 1.0) -> Screen:
    return Screen("/page", Page(head, body, cards), apps=(APP,), budget=budget)  # type: ignore[arg-type]  # markers


async def test_sections_run_at_once_so_the_screen_takes_its_slowest_path() -> None:
    @section()
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    clock = ManualClock()
    began = clock.now()
    result = await run(page(needs(head), needs(body)), fakes=[FakeCatalog(clock, head=0.3, body=0.5)], clock=clock)
    assert result.data == {"head": "head", "body": "body", "cards": None}
    assert result.complete
    assert clock.now() - began == pytest.approx(0.5)


async def test_a_dependent_waits_for_what_it_needs_and_for_nothing_else() -> None:
    @section()
    async def first(catalog: Catalog) -> str:
        return await catalog.read("first")

    @section()
    async def slow(catalog: Catalog) -> str:
        return await catalog.read("slow")

    @section(fallback=None)
    async def second(catalog: Catalog, first: str = needs(first)) -> str:
        return first + await catalog.read("second")

    clock = ManualClock()
    fake = FakeCatalog(clock, first=0.1, slow=0.6, second=0.1)
    began = clock.now()
    result = await run(page(needs(slow), needs(second)), fakes=[fake], clock=clock)
    assert result.data["body"] == "firstsecond"
    assert clock.now() - began == pytest.approx(0.6)


async def test_a_slow_optional_section_costs_its_timeout_and_is_named() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(timeout=0.3, fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    clock = ManualClock()
    began = clock.now()
    fake = FakeCatalog(clock, body=60)
    result = await run(page(needs(head), needs(body)), fakes=[fake], clock=clock)
    assert result.data == {"head": "head", "body": None, "cards": None}
    assert result.outcome("body").as_meta() == {"status": "timeout", "reason": "timeout", "service": "catalog"}
    assert clock.now() - began == pytest.approx(0.305)
    assert fake.cancelled == ["body"]


async def test_a_required_section_that_fails_fails_the_screen_and_cancels_the_rest() -> None:
    @section(timeout=0.2)
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    clock = ManualClock()
    fake = FakeCatalog(clock, head=60, body=0.8)
    with pytest.raises(SectionFailed) as caught:
        await run(page(needs(head), needs(body)), fakes=[fake], clock=clock)
    assert caught.value.section == "head"
    assert isinstance(caught.value.cause, BackendTimeout)
    assert fake.cancelled == ["head", "body"]


async def test_a_constant_fallback_stands_in_and_says_so() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=list[Card])
    async def cards(catalog: Catalog) -> list[Card]:
        await catalog.read("cards")
        return []

    fake = FakeCatalog(cards=BackendTimeout("catalog", retry_after=2.0))
    result = await run(page(needs(head), None, needs(cards)), fakes=[fake])
    assert result.data["cards"] == []
    assert result.outcome("cards").as_meta() == {
        "status": "fallback",
        "reason": "timeout",
        "service": "catalog",
        "retryAfter": 2.0,
    }


async def test_a_computed_fallback_has_150_ms_and_then_the_constant_one_is_used() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(timeout=0.3, fallback=lambda: "constant")
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    @body.fallback
    async def spare(catalog: Catalog) -> str:
        return await catalog.read("spare")

    screen = page(needs(head), needs(body))
    result = await run(screen, fakes=[FakeCatalog(body=BackendTimeout("catalog"))])
    assert result.data["body"] == "spare"
    assert result.outcome("body").status == "fallback"

    clock = ManualClock()
    began = clock.now()
    fake = FakeCatalog(clock, body=BackendTimeout("catalog"), spare=60)
    result = await run(screen, fakes=[fake], clock=clock)
    assert result.data["body"] == "constant"
    assert clock.now() - began == pytest.approx(0.155)


async def test_sections_with_a_computed_fallback_end_early_enough_for_it_and_the_answer() -> None:
    """budget 1.0 - 20 ms for the answer - 150 ms for the fallback = 0.83 s."""
    seen: list[float] = []

    @section()
    async def head(deadline: Deadline) -> str:
        seen.append(deadline.left())
        return "head"

    @section(fallback=None)
    async def body(deadline: Deadline) -> str:
        seen.append(deadline.left())
        current = current_deadline()
        assert current is not None
        assert current.at == deadline.at
        return "body"

    @body.fallback
    async def spare() -> str:
        return "spare"

    await run(page(needs(head), needs(body)), clock=ManualClock())
    assert seen == [pytest.approx(0.98), pytest.approx(0.83)]


async def test_a_failed_need_without_a_value_makes_its_dependent_unavailable_and_its_own_fallback_runs() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section()
    async def tier(catalog: Catalog) -> str:
        return await catalog.read("tier")

    @section(fallback=lambda: "spare")
    async def body(tier: str = needs(tier)) -> str:
        return tier

    fake = FakeCatalog(tier=BackendTimeout("catalog"))
    result = await run(page(needs(head), needs(body)), fakes=[fake])
    assert result.data["body"] == "spare"
    assert result.outcome("body").as_meta() == {"status": "fallback", "reason": "needs tier", "service": "catalog"}


async def test_a_dependent_of_a_failed_section_gets_its_fallback_value() -> None:
    @section(fallback=lambda: "guest")
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section(fallback=None)
    async def body(head: str = needs(head)) -> str:
        return f"for {head}"

    result = await run(page(needs(head), needs(body)), fakes=[FakeCatalog(head=BackendTimeout("catalog"))])
    assert result.data["body"] == "for guest"
    assert result.outcome("body").status == "ok"


async def test_a_bug_is_never_hidden_by_a_fallback() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        await run(page(needs(head), needs(body)), fakes=[FakeCatalog()])


async def test_a_cancelled_error_from_inside_is_the_backends_failure() -> None:
    """grpc.aio raises CancelledError of its own when a channel closes."""

    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        raise asyncio.CancelledError

    result = await run(page(needs(head), needs(body)), fakes=[FakeCatalog()])
    assert result.outcome("body").as_meta() == {
        "status": "unavailable",
        "reason": "unreachable",
        "service": "catalog",
    }


async def test_only_the_sections_that_were_asked_for_run_with_what_they_need() -> None:
    @section()
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section()
    async def tier(catalog: Catalog) -> str:
        return await catalog.read("tier")

    @section(fallback=None)
    async def body(tier: str = needs(tier)) -> str:
        return tier

    fake = FakeCatalog()
    result = await run(page(needs(head), needs(body)), fakes=[fake], inputs={"sections": "body"})
    assert result.data == {"body": "tier"}
    assert fake.asked == ["tier"]


async def test_a_required_section_that_was_not_asked_for_cannot_fail_the_screen() -> None:
    @section()
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section(fallback=None)
    async def body() -> str:
        return "body"

    fake = FakeCatalog(head=BackendTimeout("catalog"))
    result = await run(page(needs(head), needs(body)), fakes=[fake], inputs={"sections": "body"})
    assert result.data == {"body": "body"}


async def test_a_missing_scope_makes_the_section_forbidden_and_calls_nobody() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None, scopes=["orders:read"])
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    screen = page(needs(head), needs(body))
    fake = FakeCatalog()
    result = await run(screen, fakes=[fake], caller=Caller("7"))
    assert result.outcome("body").as_meta() == {"status": "forbidden", "reason": "scope"}
    assert fake.asked == []
    allowed = await run(screen, fakes=[fake], caller=Caller("7", scopes=frozenset({"orders:read"})))
    assert allowed.data["body"] == "body"


async def test_what_is_not_there_is_missing() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    result = await run(page(needs(head), needs(body)), fakes=[FakeCatalog(body=Missing("catalog"))])
    assert result.outcome("body").status == "missing"


async def test_item_fields_take_one_call_for_all_items_and_only_when_asked() -> None:
    calls: list[int] = []

    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def cards() -> list[Card]:
        return [Card(str(index)) for index in range(40)]

    @field(Card)
    async def rating(cards: list[Card], catalog: Catalog) -> list[float | None]:
        calls.append(len(cards))
        return [float(card.name) for card in cards]

    screen = page(needs(head), None, needs(cards))
    whole = await run(screen, fakes=[FakeCatalog()], fields=[rating])
    assert calls == [40]
    assert whole.data["cards"][39] == {"name": "39", "rating": 39.0}
    narrow = await run(screen, fakes=[FakeCatalog()], fields=[rating], inputs={"fields": "cards.name"})
    assert calls == [40]
    assert narrow.data == {"cards": [{"name": str(index)} for index in range(40)]}


async def test_a_failed_item_field_leaves_its_section_whole() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def cards() -> list[Card]:
        return [Card("a")]

    @field(Card, timeout=0.1)
    async def rating(cards: list[Card], catalog: Catalog) -> list[float | None]:
        return [float(await catalog.read("rating"))]

    clock = ManualClock()
    fake = FakeCatalog(clock, rating=60)
    result = await run(page(needs(head), None, needs(cards)), fakes=[fake], fields=[rating], clock=clock)
    assert result.data["cards"] == [{"name": "a", "rating": None}]
    assert result.outcome("cards.rating").as_meta() == {"status": "timeout", "reason": "timeout", "service": "catalog"}


async def test_the_clients_own_budget_lowers_the_deadline() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    clock = ManualClock()
    began = clock.now()
    screen = page(needs(head), needs(body))
    result = await run(screen, fakes=[FakeCatalog(clock, body=60)], clock=clock, deadline=0.1)
    assert result.outcome("body").status == "timeout"
    assert clock.now() - began == pytest.approx(0.085)


async def test_nothing_starts_that_has_no_time_left() -> None:
    @section(fallback=lambda: "spare")
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    fake = FakeCatalog()
    result = await run(page(needs(head)), fakes=[fake], clock=ManualClock(), deadline=0.02)
    assert result.data["head"] == "spare"
    assert fake.asked == []


async def test_a_cancelled_screen_leaves_nothing_running() -> None:
    clock = ManualClock()
    fake = FakeCatalog(clock, head=60)

    @section()
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    before = asyncio.all_tasks()
    working = asyncio.ensure_future(run(page(needs(head)), fakes=[fake], clock=clock, deadline=0.5))
    await clock.advance(0)
    assert fake.asked == ["head"]
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert fake.cancelled == ["head"]
    assert asyncio.all_tasks() == before


async def test_a_bug_on_the_way_to_a_dependent_ends_the_screen_and_does_not_hang_it() -> None:
    class Unfaked(Client, service="unfaked"):
        pass

    @section()
    async def head() -> str:
        return "head"

    @section(fallback=None)
    async def body(unfaked: Unfaked, head: str = needs(head)) -> str:
        return head

    with pytest.raises(TypeError, match="pass a fake of it"):
        await run(page(needs(head), needs(body)), clock=ManualClock())


async def test_a_section_whose_time_is_up_before_its_first_step_still_ends() -> None:
    """On a busy loop the alarm can be rung before a task has had its first turn."""

    class Overtaking(ManualClock):
        """Rings every alarm at the moment it is set for, before any task takes a step."""

        def call_at(self, when: float, callback: Callable[..., object], *args: object) -> Timer:
            self._now = max(self._now, when)
            callback(*args)
            return super().call_at(when, callback, *args)

    @section(fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    @section()
    async def head() -> str:
        return "head"

    fake = FakeCatalog()
    screen = page(needs(head), needs(body))
    clock = Overtaking()
    result = await run(screen, fakes=[fake], clock=clock, inputs={"sections": "body"})
    assert result.outcome("body").status == "timeout"
    assert fake.asked == []


async def test_a_step_that_is_not_shown_is_named_when_its_fallback_stands_in() -> None:
    @section()
    async def head() -> str:
        return "head"

    @section(fallback=lambda: "nobody")
    async def who(catalog: Catalog) -> str:
        return await catalog.read("who")

    @section(fallback=None)
    async def body(who: str = needs(who)) -> str:
        return f"for {who}"

    result = await run(page(needs(head), needs(body)), fakes=[FakeCatalog(who=BackendTimeout("catalog"))])
    assert result.data["body"] == "for nobody"
    assert not result.complete
    assert result.outcome("who").status == "fallback"


async def test_verdicts_stand_in_the_screens_order_whichever_failed_first() -> None:
    @section(fallback=lambda: "spare")
    async def head(catalog: Catalog) -> str:
        return await catalog.read("head")

    @section(timeout=0.1, fallback=None)
    async def body(catalog: Catalog) -> str:
        return await catalog.read("body")

    clock = ManualClock()
    fake = FakeCatalog(clock, head=60, body=60)
    result = await run(page(needs(head), needs(body)), fakes=[fake], clock=clock)
    assert list(result.outcomes) == ["head", "body"]
