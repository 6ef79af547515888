"""`serve`: one screen, whole, whichever face asks: inputs first, then the run, then the bytes."""

from dataclasses import dataclass

import orjson
import pytest

from bff import App, BackendTimeout, Caller, Client, Deadline, Screen, View, needs, section
from bff.composition.build import plan_of
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.faces.screen import Raw, ServedScreen, serve
from bff.testing import ManualClock


class Users(Client, service="users"):
    async def name(self, user_id: str) -> str:
        return await self.get("/{id}", str, id=user_id)


class FakeUsers(Users):
    def __init__(self, error: BackendTimeout | None = None) -> None:
        super().__init__()
        self.error = error
        self.asked: list[str] = []

    async def name(self, user_id: str) -> str:
        self.asked.append(user_id)
        if self.error is not None:
            raise self.error
        return user_id


@dataclass
class Page:
    head: str
    note: str | None = None
    left: float | None = None


@section()
async def head(users: Users, user_id: str, page_size: int = 10) -> str:
    return await users.name(user_id)


@section(fallback=None)
async def note(users: Users) -> str:
    return await users.name("note")


@section()
async def left(deadline: Deadline) -> float:
    return deadline.left()


SCREEN = Screen("/users/{user_id}", Page(needs(head), needs(note), needs(left)), apps=(App("mobile"),), budget=0.8)


def served(fake: Users, screen: Screen = SCREEN) -> ServedScreen:
    return ServedScreen(plan_of(screen), lambda _: lambda _: fake, ManualClock())


async def test_the_answer_is_whole_and_knows_its_verdicts() -> None:
    answer = await serve(served(FakeUsers()), Raw({"userId": "7"}))
    assert (answer.status, answer.content_type, answer.headers, answer.outcomes) == (200, b"application/json", [], {})
    assert orjson.loads(answer.body) == {
        "data": {"head": "7", "note": "note", "left": pytest.approx(0.78)},
        "meta": {"complete": True, "sections": {}},
    }


@pytest.mark.parametrize("query", [[("pageSize", "many")], [("nope", "1")], [("sections", "nope")], [("userId", "8")]])
async def test_nothing_runs_when_an_input_does_not_fit(query: list[tuple[str, str]]) -> None:
    fake = FakeUsers()
    with pytest.raises(BadInput):
        await serve(served(fake), Raw({"userId": "7"}, query))
    assert fake.asked == []


async def test_only_what_is_asked_for_runs_and_the_inputs_are_checked_all_the_same() -> None:
    fake = FakeUsers()
    answer = await serve(served(fake), Raw({"userId": "7"}, [("sections", "note")]))
    assert orjson.loads(answer.body)["data"] == {"note": "note"}
    assert fake.asked == ["note"]
    with pytest.raises(BadInput):
        await serve(served(fake), Raw({}, [("sections", "note")]))


@pytest.mark.parametrize(("given", "budget"), [(None, 0.8), (0.5, 0.5), (3600.0, 0.8)])
async def test_the_clients_budget_lowers_the_screens_and_never_raises_it(given: float | None, budget: float) -> None:
    """S073."""
    answer = await serve(served(FakeUsers()), Raw({"userId": "7"}, [("sections", "left")], budget=given))
    assert orjson.loads(answer.body)["data"]["left"] == pytest.approx(budget - 0.02)


async def test_a_required_section_that_fails_fails_the_screen() -> None:
    with pytest.raises(SectionFailed) as caught:
        await serve(served(FakeUsers(BackendTimeout("users"))), Raw({"userId": "7"}))
    assert caught.value.section == "head"


async def test_an_optional_one_is_told_in_the_body_and_in_the_header() -> None:
    answer = await serve(served(FakeUsers(BackendTimeout("users"))), Raw({"userId": "7"}, [("sections", "note")]))
    assert orjson.loads(answer.body)["meta"] == {
        "complete": False,
        "sections": {"note": {"status": "timeout", "reason": "timeout", "service": "users"}},
    }
    assert answer.headers == [(b"bff-sections", b'"note";status=timeout;reason="timeout";service="users"')]
    assert list(answer.outcomes) == ["note"]


async def test_the_caller_is_who_the_gateway_says() -> None:
    @dataclass
    class Whose:
        head: str

    @section()
    async def whose(caller: Caller) -> str:
        return f"{caller.id} of {caller.app}"

    screen = Screen("/whose", Whose(needs(whose)), apps=(App("mobile"),))
    answer = await serve(served(FakeUsers(), screen), Raw(caller=Caller("7", "mobile")))
    assert orjson.loads(answer.body)["data"] == {"head": "7 of mobile"}


class Name(View):
    text: str


class Names(View):
    own: Name
    other: Name | None = None
    stood_in: Name | None = None


@section()
async def own(users: Users) -> Name:
    return Name(text=await users.name("Ada"))


@section()
async def other(own: Name = needs(own)) -> Name | None:
    return Name(text=own.text.upper())


@section(fallback=None)
async def stood_in(own: Name = needs(own)) -> Name | None:
    raise BackendTimeout("users", "too late")


@stood_in.fallback
async def from_own(own: Name = needs(own)) -> Name | None:
    return Name(text=own.text.lower())


async def test_what_is_written_as_soon_as_it_is_had_and_what_is_taken_by_others_first_stand_side_by_side() -> None:
    screen = Screen("/names", Names(needs(own), needs(other), needs(stood_in)), apps=(App("mobile"),))
    answer = await serve(served(FakeUsers(), screen), Raw())
    data = orjson.loads(answer.body)["data"]
    assert data == {"own": {"text": "Ada"}, "other": {"text": "ADA"}, "stoodIn": {"text": "ada"}}
