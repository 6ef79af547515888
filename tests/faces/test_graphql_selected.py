"""What is selected runs, and nothing else; the answer has it by its aliases."""

import pytest

from tests.faces.graphql_kit import FakeWords, ask, page, rating, schema, served


@pytest.mark.parametrize(
    ("query", "variables", "asked"),
    [
        ("{ page { head } }", {}, ["head"]),
        ("{ page { head body } }", {}, ["head", "body"]),
        ("{ page { __typename } }", {}, []),
        ("{ page { head body @include(if: false) } }", {}, ["head"]),
        ("{ page { head body @skip(if: true) } }", {}, ["head"]),
        ("query ($b: Boolean!) { page { head body @include(if: $b) } }", {"b": False}, ["head"]),
        ("query ($b: Boolean!) { page { head body @include(if: $b) } }", {"b": True}, ["head", "body"]),
        ("query ($b: Boolean!) { page { ...A @skip(if: $b) head } } fragment A on Page { body }", {"b": True}, ["head"]),
        ("query ($b: Boolean!) { page { ... @skip(if: $b) { body } head } }", {"b": True}, ["head"]),
        ("{ page { ...A } } fragment A on Page { ...B } fragment B on Page { body }", {}, ["body"]),
        ("{ page { ...A ...A } page { ... on Page { head } } } fragment A on Page { body }", {}, ["body", "head"]),
        ("query ($b: Boolean!) { page @include(if: $b) { head } other: page { body } }", {"b": False}, ["body"]),
        ("{ page { cards { name } } }", {}, ["cards"]),
        ("{ page { cards { rating } } }", {}, ["cards", "rating"]),
        ("query ($b: Boolean!) { page { cards { rating @include(if: $b) name } } }", {"b": False}, ["cards"]),
        ("{ page { x: body y: body } }", {}, ["body"]),
        ("{ page { } }", {}, []),
    ],
)
async def test_only_what_is_selected_runs(query: str, variables: dict[str, object], asked: list[str]) -> None:
    fake = FakeWords()
    answer = await ask(schema(served(page("/page"), fake, fields=[rating])), query, variables)
    assert "errors" not in answer
    assert sorted(fake.asked) == sorted(asked)


async def test_the_answer_has_what_was_selected_by_its_aliases() -> None:
    app = schema(served(page("/page"), fields=[rating]))
    answer = await ask(app, "{ p: page { title: head cards { __typename name stars: rating } } }")
    assert answer == {
        "data": {"p": {"title": "head", "cards": [{"__typename": "Card", "name": "cards", "stars": "rating"}]}},
        "extensions": {"complete": True, "sections": {}},
    }
