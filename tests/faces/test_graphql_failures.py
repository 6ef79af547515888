"""A failure costs its own section or screen, says what it was, and never more than the client should know (F52)."""

import logging

import orjson
import pytest
import strawberry

from bff import BackendUnreachable, Screen, needs, section
from tests.faces.graphql_kit import APP, REQUEST_ID, TIMEOUT, FakeWords, Page, ask, page, rating, schema, served


async def test_a_required_section_that_failed_makes_its_screen_null_and_harms_no_sibling() -> None:
    broken = served(page("/broken"), FakeWords(head=TIMEOUT))
    app = schema(broken, *(served(page(f"/s{n}")) for n in range(5)))
    siblings = " ".join(f"s{n} {{ head }}" for n in range(5))
    answer = await ask(app, f"{{ b: broken {{ head body }} {siblings} }}")
    assert answer["data"] == {"b": None, **{f"s{n}": {"head": "head"} for n in range(5)}}
    assert answer["errors"] == [
        {
            "message": "section 'head' is required",
            "path": ["b"],
            "locations": [{"line": 1, "column": 3}],
            "extensions": {
                "type": "/problems/backend-timeout",
                "title": "A backend did not answer in time",
                "status": 504,
                "detail": "section 'head' is required",
                "section": "head",
                "reason": "timeout",
                "service": "words",
                "requestId": REQUEST_ID,
            },
        }
    ]
    assert answer["extensions"] == {
        "complete": False,
        "sections": {"b.head": {"status": "timeout", "reason": "timeout", "service": "words"}},
    }


async def test_an_optional_section_that_failed_is_null_and_named_without_an_error() -> None:
    answer = await ask(schema(served(page("/page"), FakeWords(body=TIMEOUT))), "{ h: page { head body } }")
    assert answer["data"] == {"h": {"head": "head", "body": None}}
    assert "errors" not in answer
    assert answer["extensions"]["complete"] is False
    assert list(answer["extensions"]["sections"]) == ["h.body"]


async def test_outcomes_are_named_as_the_answer_names_them() -> None:
    fake = FakeWords(body=TIMEOUT, rating=BackendUnreachable("words"))
    app = schema(served(page("/page"), fake, fields=[rating]))
    query = "{ page { cards { rating } } h: page { x: body y: body ...C } } fragment C on Page { all: cards { r: rating } }"
    answer = await ask(app, query)
    assert list(answer["extensions"]["sections"]) == ["page.cards.rating", "h.x", "h.y", "h.all.r"]
    assert answer["data"]["h"] == {"x": None, "y": None, "all": [{"r": None}]}


async def test_a_bug_is_told_as_nothing_but_a_bug_and_harms_no_sibling(caplog: pytest.LogCaptureFixture) -> None:
    broken = served(page("/broken"), FakeWords(head=KeyError("secret.py: SELECT 1")))
    with caplog.at_level(logging.ERROR, "bff"):
        answer = await ask(schema(broken, served(page("/page"))), "{ broken { head } page { head } }")
    assert answer["data"] == {"broken": None, "page": {"head": "head"}}
    (error,) = answer["errors"]
    assert error["message"] == "A fault of ours"
    assert error["path"] == ["broken"]
    assert error["extensions"]["type"] == "/problems/internal"
    assert error["extensions"]["requestId"] == REQUEST_ID
    assert "secret" not in orjson.dumps(answer).decode()
    (record,) = caplog.records
    assert REQUEST_ID in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


async def test_a_value_that_breaks_its_type_is_a_bug_too(caplog: pytest.LogCaptureFixture) -> None:
    @section()
    async def head() -> str:
        return None  # type: ignore[return-value]  # the bug

    screen = Screen("/broken", Page(head=needs(head)), apps=(APP,), guests=True)
    with caplog.at_level(logging.ERROR, "bff"):
        answer = await ask(schema(served(screen), served(page("/page"))), "{ broken { head } page { head } }")
    assert answer["data"] == {"broken": None, "page": {"head": "head"}}
    (error,) = answer["errors"]
    assert error["path"] == ["broken", "head"]
    assert error["extensions"]["type"] == "/problems/internal"
    assert "non-nullable" not in error["message"]
    assert "non-nullable" in caplog.text


async def test_a_number_that_graphql_cannot_hold_is_a_bug_and_says_so_to_the_operators(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @strawberry.type
    class Count:
        number: int

    @section()
    async def number() -> int:
        return 2**31  # over GraphQL's Int; Int64 is the type for it

    screen = Screen("/count", Count(number=needs(number)), apps=(APP,), guests=True)
    with caplog.at_level(logging.ERROR, "bff"):
        answer = await ask(schema(served(screen)), "{ count { number } }")
    assert answer["data"] == {"count": None}
    assert answer["errors"][0]["message"] == "A fault of ours"
    assert answer["errors"][0]["extensions"]["type"] == "/problems/internal"
    assert "32-bit" in caplog.text
