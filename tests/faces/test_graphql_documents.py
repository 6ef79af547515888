"""Documents: kept by their text within bounds, refused when they are too much, silent about what they may not ask."""

import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query, print_schema

from bff.faces.graphql_documents import KEPT_CHARACTERS, KEPT_DOCUMENTS, MAX_ERRORS, DocumentRefused, Documents
from bff.faces.graphql_limits import MAX_CHARACTERS, MAX_DEPTH, MAX_FIELDS, MAX_SCREENS, MAX_TOKENS
from bff.faces.graphql_schema import core_of
from tests.faces.graphql_kit import FakeWords, ask, page, rating, schema, served


def core(*paths: str) -> GraphQLSchema:
    return core_of(schema(*(served(page(path), fields=[rating]) for path in paths or ("/page",))).strawberry)


def refusal(text: str) -> str:
    with pytest.raises(DocumentRefused) as refused:
        Documents(core()).read(text)
    return str(refused.value)


def doubled(levels: int) -> str:
    spreads = "".join(f"fragment F{n} on Page {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ page {{ ...F0 }} }} {spreads} fragment F{levels} on Page {{ head }}"


# Kept by text, within bounds.


def test_a_document_is_parsed_and_validated_once() -> None:
    documents = Documents(core())
    assert documents.read("{ page { head } }") is documents.read("{ page { head } }")
    assert documents.read("{ page { head } }") is not documents.read("{ page { head }  }")


def test_the_least_lately_used_documents_go_first_when_there_are_too_many() -> None:
    documents = Documents(core())
    first = documents.read("{ page { head } } #")
    second = documents.read("{ page { head } } ##")
    for n in range(KEPT_DOCUMENTS - 1):
        documents.read(f"{{ page {{ head }} }} # {n}")
        assert documents.read("{ page { head } } #") is first
    assert len(documents) == KEPT_DOCUMENTS
    assert documents.read("{ page { head } } ##") is not second


def test_documents_are_bounded_by_their_size_too() -> None:
    documents = Documents(core())
    for n in range(KEPT_CHARACTERS // MAX_CHARACTERS + 10):
        documents.read(f"{{ page {{ head }} }} # {n} ".ljust(MAX_CHARACTERS, "x"))
    assert len(documents) == KEPT_CHARACTERS // MAX_CHARACTERS


def test_a_bad_document_is_not_kept() -> None:
    documents = Documents(core())
    for text in ("{ page { nothing } }", "{ page {", "{ page { head } }" + " " * MAX_CHARACTERS):
        with pytest.raises(DocumentRefused):
            documents.read(text)
    assert len(documents) == 0


# Limits (reliability-security.md 2.12).


def test_a_document_may_have_so_many_characters() -> None:
    Documents(core()).read("{ page { head } }".ljust(MAX_CHARACTERS))
    assert refusal("{ page { head } }".ljust(MAX_CHARACTERS + 1)) == "The document is longer than 15000 characters."


def test_a_document_may_have_so_many_tokens() -> None:
    assert f"more than {MAX_TOKENS} tokens" in refusal("{ page { " + "head " * MAX_TOKENS + "} }")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{" * 200 + "}" * 200, "Syntax Error"),
        ("{ a " * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1), "more than 8 levels deep"),
        ("{ a { ...A } } fragment A on X { b { c { d { e { ...B } } } } } fragment B on X { f { g { h { i } } } }", "8 levels"),
        ("{ ... { ... { a " + "{ b " * MAX_DEPTH + "}" * (MAX_DEPTH + 3), "more than 8 levels deep"),
        (" ".join(["{", *(f"a{n}: page {{ head }}" for n in range(MAX_SCREENS + 1)), "}"]), "more than 20 root fields"),
        ("{ ...A ...A } fragment A on Query {" + "page {head} " * 11 + "}", "more than 20 root fields"),
        (doubled(10), f"more than {MAX_FIELDS} fields"),
        (doubled(90), f"more than {MAX_FIELDS} fields"),  # expanded this would not end
        (
            "{ page { ...A } } fragment A on Page { ...B } fragment B on Page { ...A }",
            "Cannot spread fragment 'A' within itself",
        ),
    ],
)
def test_an_operation_that_asks_too_much_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


def test_an_operation_within_the_limits_is_not_refused() -> None:
    Documents(core()).read(doubled(9))
    Documents(core()).read(" ".join(["{", *(f"a{n}: page {{ head }}" for n in range(MAX_SCREENS)), "}"]))


def test_the_number_of_errors_is_bounded() -> None:
    with pytest.raises(DocumentRefused) as refused:
        Documents(core()).read("{ page {" + " ".join(f"x{n}" for n in range(300)) + "} }")
    assert len(refused.value.errors) == MAX_ERRORS + 1  # the last one says that there are more


# What the public may not ask.


async def test_no_name_is_suggested_to_the_public() -> None:
    fake = FakeWords()
    app = served(page("/page"), fake)
    for query in ("{ page { headd } }", "{ pagee { head } }", "{ page(hea: 1) { head } }", "{ page { head @skp(if: true) } }"):
        answer = await ask(schema(app), query)
        assert "data" not in answer
        assert all("Did you mean" not in error["message"] for error in answer["errors"])
        assert all("Did you mean" not in error["extensions"]["detail"] for error in answer["errors"])
    assert fake.asked == []
    answer = await ask(schema(app, introspection=True), "{ page { headd } }")
    assert "Did you mean 'head'?" in answer["errors"][0]["message"]


@pytest.mark.parametrize("query", ["{ __schema { types { name } } }", '{ __type(name: "Page") { name } }'])
async def test_the_schema_is_not_told_to_the_public(query: str) -> None:
    app = served(page("/page"))
    closed = await ask(schema(app), query)
    assert "data" not in closed
    assert closed["errors"][0]["extensions"]["type"] == "/problems/bad-request"
    assert "data" in await ask(schema(app, introspection=True), query)


async def test_a_developers_tool_can_introspect_the_whole_schema() -> None:
    app = schema(served(page("/page")), introspection=True)
    answer = await ask(app, get_introspection_query())
    assert "type Page" in print_schema(build_client_schema(answer["data"]))
