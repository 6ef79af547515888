"""Problem documents: one for every expected error, each saying what the client may know and nothing more."""

import orjson
import pytest

from bff import (
    BackendBusy,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    BffError,
    Forbidden,
    Missing,
    Refusal,
)
from bff.composition.engine import SectionFailed
from bff.composition.inputs import BadInput, InputFault
from bff.composition.outcome import NeedFailed, failed
from bff.errors import BreakerOpen, Hopeless
from bff.faces.problems import KINDS, Problem, of


def section_failed(cause: BaseException) -> SectionFailed:
    return SectionFailed("picks", failed(cause), cause)


@pytest.mark.parametrize(
    ("cause", "kind", "status"),
    [
        (BackendTimeout("orders"), "backend-timeout", 504),
        (TimeoutError(), "backend-timeout", 504),
        (BackendUnreachable("orders"), "backend-unavailable", 503),
        (BackendBusy("orders"), "backend-unavailable", 503),
        (BreakerOpen("orders", retry_after=4), "backend-unavailable", 503),
        (Hopeless("orders"), "backend-timeout", 504),
        (BackendInvalid("orders"), "backend-invalid", 502),
        (BackendStatus("orders", 503), "backend-invalid", 502),
        (Missing("orders"), "not-found", 404),
        (Forbidden(["a"]), "forbidden", 403),
        (NeedFailed("tier", BackendTimeout("orders")), "backend-timeout", 504),
    ],
)
def test_a_required_section_that_failed_is_told_by_its_name_and_its_cause(cause: BaseException, kind: str, status: int) -> None:
    problem = of(section_failed(cause))
    assert (problem.kind, KINDS[problem.kind].status) == (kind, status)
    document = problem.document("r-1")
    assert (document["status"], document["section"], document["requestId"]) == (status, "picks", "r-1")
    assert document["detail"] == "section 'picks' is required"


@pytest.mark.parametrize(
    "error",
    [
        BackendTimeout("orders", "canary: http://10.0.0.1/x"),
        BackendInvalid("orders", "canary"),
        BackendStatus("orders", 500, "canary", body=b"canary"),
        Missing("orders", "canary", body=b"canary"),
        BackendUnreachable("orders", "canary"),
        Refusal(["canary"]),
        BffError("canary"),
    ],
)
def test_the_text_of_an_error_never_reaches_a_client(error: BffError) -> None:
    for shown in (of(error), of(section_failed(error))):
        assert b"canary" not in shown.answer("r-1").body


def test_a_backend_that_fails_outside_any_section_is_not_a_bug_of_ours() -> None:
    assert of(BackendUnreachable("jwks", retry_after=1.0)).kind == "backend-unavailable"
    assert of(BackendTimeout("jwks")).kind == "backend-timeout"
    assert of(BffError("unknown")).kind == "internal"


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.0, "1"), (0.2, "1"), (2.0, "2"), (2.1, "3"), (86_400.0, "86400"), (None, None)]
)
def test_when_to_come_back_is_never_told_too_early(seconds: float | None, header: str | None) -> None:
    for error in (section_failed(BackendBusy("orders", retry_after=seconds)), BackendBusy("orders", retry_after=seconds)):
        headers = dict(of(error).answer("r-1").headers)
        assert headers.get(b"retry-after") == (None if header is None else header.encode())


def test_bad_inputs_are_listed_by_name() -> None:
    problem = of(BadInput([InputFault("a", "is bad"), InputFault("b", "is worse")]))
    assert problem.kind == "bad-input"
    assert problem.members == {"errors": [{"name": "a", "detail": "is bad"}, {"name": "b", "detail": "is worse"}]}


def test_a_missing_scope_is_named() -> None:
    assert of(Forbidden(["orders:read", "x"])).document("r-1")["detail"] == "needs scope orders:read x"


def test_an_answer_is_a_problem_document_with_its_headers() -> None:
    answer = Problem("method-not-allowed", "allowed: GET", headers=[(b"allow", b"GET")]).answer("r-1")
    assert (answer.status, answer.content_type, answer.headers) == (405, b"application/problem+json", [(b"allow", b"GET")])
    assert orjson.loads(answer.body) == {
        "type": "/problems/method-not-allowed",
        "title": "Method not allowed",
        "status": 405,
        "detail": "allowed: GET",
        "requestId": "r-1",
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_has_a_status_a_title_and_words_that_help(kind: object) -> None:
    found = next(known for known in KINDS.values() if known is kind)
    assert 400 <= found.status < 600
    assert found.title
    assert found.page.endswith(".")
    assert KINDS[found.slug] is found


@pytest.mark.parametrize("status", [400, 422])
def test_a_value_that_a_required_sections_service_refuses_is_the_clients_fault_and_not_a_502(status: int) -> None:
    """A cursor, mostly: our own validation cannot judge it."""
    problem = of(section_failed(BackendStatus("restaurants", status)))
    assert (problem.kind, KINDS[problem.kind].status) == ("bad-input", 422)
    assert problem.detail == "service restaurants refused a value of this request, for section 'picks'"
