"""`BFF-Sections` is a structured field (RFC 9651): a List of Strings with parameters."""

import re

import pytest

from bff.composition.outcome import Outcome
from bff.faces.sections_header import sections_header

# RFC 9651 section 3: an sf-string, and a parameter whose value is a string, a decimal or a token.
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_PARAMETER = rf";[a-z*][a-z0-9_\-.*]*=(?:{_STRING}|-?\d{{1,12}}\.\d{{1,3}}|[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*)"
_LIST = re.compile(rf"{_STRING}(?:{_PARAMETER})*(?:, {_STRING}(?:{_PARAMETER})*)*")


def test_each_verdict_is_a_member_with_what_is_known_of_it() -> None:
    outcomes = {
        "lastOrders": Outcome("fallback", "timeout", "orders", retry_after=2.0),
        "picks": Outcome("stale", age=61.25),
        "picks.rating": Outcome("unavailable", "needs tier"),
    }
    assert sections_header(outcomes) == (
        b'"lastOrders";status=fallback;reason="timeout";service="orders";retry-after=2.0, '
        b'"picks";status=stale;age=61.2, '
        b'"picks.rating";status=unavailable;reason="needs tier"'
    )


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("fallback", "status 503", "orders", age=0.04, retry_after=86_400.0),
        Outcome("unavailable", 'a "quoted" \\ reason'),
        Outcome("unavailable", "grün\r\nSet-Cookie: a=b"),
        Outcome("timeout", "", "日本"),
        Outcome("missing", "\x00\x7f\x80"),
    ],
)
def test_it_parses_as_a_structured_field_whatever_the_words(outcome: Outcome) -> None:
    written = sections_header({"a": outcome, "b": Outcome("shed")}).decode("ascii")
    assert _LIST.fullmatch(written), written
