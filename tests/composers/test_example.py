"""The annotated examples do what their comments say. Also an example of its own: how a screen and a client are tested.

A test builds fakes (subclasses of the clients), hands them to `run` and reads what a client would have got. Nothing is
patched, nothing sleeps: a ManualClock makes seconds pass.
"""

from datetime import UTC, datetime

import pytest

from bff import BackendInvalid, BackendTimeout, Caller, Json, Missing, batched
from bff.composition.build import plan_of
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput
from bff.testing import ManualClock, Result, StubReply, StubService, client_of, run
from clients._example import Book, Library, Loan, Loans, Review
from composers import _example as example
from schemas._example import Order

NOW = datetime(2026, 1, 2, tzinfo=UTC)
READER = Caller("7", scopes=frozenset({"loans:read"}))


class FakeLibrary(Library):
    """Two books; `fails` names the searches that time out."""

    def __init__(self, fails: tuple[str, ...] = (), clock: ManualClock | None = None) -> None:
        super().__init__()
        self.fails = fails
        self.clock = clock
        self.reviewed: list[list[str]] = []

    async def book(self, book_id: str) -> Book:
        return Book(book_id, "At home", NOW)

    async def search(self, words: str, topics: list[str], cursor: str | None = None) -> list[Book]:
        if words in self.fails:
            if self.clock is not None:
                await self.clock.sleep(60)
            raise BackendTimeout("library")
        return [Book("1", words, NOW), Book("2", "Older", NOW.replace(year=1999))]

    @batched(max_size=50)
    async def review(self, book_ids: list[str], language: str = "en") -> dict[str, Review]:
        self.reviewed.append(book_ids)
        return {"1": Review("1", 5)}

    async def topics(self) -> Json:
        return Json(b'["physics"]')


class FakeLoans(Loans):
    async def of(self, user_id: str) -> list[Loan]:
        return [Loan("9", 14)]


async def shown(library: Library, caller: Caller = READER, **inputs: str) -> Result:
    clock = library.clock if isinstance(library, FakeLibrary) and library.clock else ManualClock()
    inputs.setdefault("shelf", "blue")
    return await run(
        example.shelf, fakes=[library, FakeLoans()], fields=[example.stars], caller=caller, inputs=inputs, clock=clock
    )


async def test_the_whole_shelf() -> None:
    library = FakeLibrary()
    result = await shown(library, q="sky")
    assert result.complete
    assert result.data == {
        "reader": {"name": "7", "borrowed": 1},
        "books": [
            {"id": "1", "title": "blue sky", "publishedAt": "2026-01-02T00:00:00Z", "stars": 5},
            {"id": "2", "title": "Older", "publishedAt": "1999-01-02T00:00:00Z", "stars": None},
        ],
        "borrowed": [{"id": "9", "title": "At home", "publishedAt": "2026-01-02T00:00:00Z", "stars": None}],
        "topics": ["physics"],
    }


async def test_inputs_choose_order_and_number() -> None:
    result = await shown(FakeLibrary(), order="TITLE", limit="1", sections="books", fields="books.title")
    assert result.data == {"books": [{"title": "Older"}]}


async def test_a_bad_input_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        await shown(FakeLibrary(), limit="51")
    assert caught.value.faults[0].name == "limit"


async def test_a_slow_search_is_stood_in_for_after_400_ms_and_says_so() -> None:
    clock = ManualClock()
    began = clock.now()
    result = await shown(FakeLibrary(fails=("blue ",), clock=clock))
    assert [book["title"] for book in result.data["books"]] == ["", "Older"]
    assert result.outcome("books").as_meta() == {"status": "fallback", "reason": "timeout", "service": "library"}
    assert clock.now() - began == pytest.approx(0.405)


async def test_the_constant_stands_in_when_the_computed_fallback_fails_too() -> None:
    result = await shown(FakeLibrary(fails=("blue ", "")))
    assert result.data["books"] == []


async def test_without_the_scope_the_section_is_forbidden_and_null() -> None:
    result = await shown(FakeLibrary(), Caller("7"))
    assert result.data["borrowed"] is None
    assert result.outcome("borrowed").status == "forbidden"


async def test_the_required_section_fails_the_screen() -> None:
    class Closed(FakeLoans):
        async def of(self, user_id: str) -> list[Loan]:
            raise BackendTimeout("loans")

    with pytest.raises(SectionFailed) as caught:
        await run(example.shelf, fakes=[FakeLibrary(), Closed()], inputs={"shelf": "blue"}, clock=ManualClock())
    assert caught.value.section == "reader"


async def test_a_section_is_a_plain_function() -> None:
    """Often the shortest test of all."""
    badge = await example.reader(READER, borrowed=[])
    assert (badge.name, badge.borrowed) == ("7", 0)


def test_an_invented_word_is_the_services_failure() -> None:
    assert example.order_of("TITLE") is Order.TITLE
    with pytest.raises(BackendInvalid, match="library: 'odd' is no Order"):
        example.order_of("odd")


def test_the_example_would_be_taken_but_for_its_underscore() -> None:
    plan_of(example.shelf, [example.stars], frozenset({"library", "loans"}))


BOOK = {"id": "1", "title": "Sky", "published_at": "2026-01-02T00:00:00Z", "isbn": "nobody here reads it"}


async def test_the_client_reads_what_it_names_and_skips_the_rest() -> None:
    answers = {"/books/1": BOOK, "/books": {"items": [BOOK]}, "/topics": ["physics"]}
    async with StubService(answers) as stub, client_of(Library, stub) as library:
        assert await library.book("1") == Book("1", "Sky", NOW)
        assert await library.search("sky", ["a", "b"]) == [Book("1", "Sky", NOW)]
        assert stub.seen[-1].target == "/books?q=sky&topic=a&topic=b"
        assert (await library.topics()).raw == b'["physics"]'


async def test_a_field_that_was_promised_and_is_wrong_is_named() -> None:
    async with StubService({"/books/1": BOOK | {"title": None}}) as stub, client_of(Library, stub) as library:
        with pytest.raises(BackendInvalid, match="title"):
            await library.book("1")


async def test_many_reviews_are_one_call_and_a_book_without_one_is_missing() -> None:
    async with StubService({"/reviews": [{"book_id": "1", "stars": 5}]}) as stub, client_of(Library, stub) as library:
        assert await library.review.many(["1", "2", "1"]) == {"1": Review("1", 5)}
        with pytest.raises(Missing):
            await library.review("2")
        assert [record.target for record in stub.seen] == ["/reviews?book=1&book=2&language=en"]


async def test_writes_carry_their_key_and_their_body() -> None:
    answers = {"/books/1/reviews": {"book_id": "1", "stars": 5}, "/books/1": StubReply(b"gone", content_type="text/plain")}
    async with StubService(answers) as stub, client_of(Library, stub) as library:
        assert await library.rate("1", 5, "key-1") == Review("1", 5)
        assert stub.seen[0].method == "POST"
        assert stub.seen[0].headers["idempotency-key"] == "key-1"
        await library.forget("1")
        assert stub.seen[1].method == "DELETE"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<loans><loan book="1"><days>14</days></loan></loans>', [Loan("1", 14)]),
        ("<loans><loan><book>1</book><days>14</days></loan></loans>", [Loan("1", 14)]),
        ("<loans/>", []),
    ],
)
async def test_xml_is_read_like_json(text: str, found: list[Loan]) -> None:
    answers = {"/loans": StubReply(text.encode(), content_type="application/xml")}
    async with StubService(answers) as stub, client_of(Loans, stub) as loans:
        assert await loans.of("7") == found
