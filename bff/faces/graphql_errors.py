"""Errors as GraphQL clients get them: where, and in `extensions` the same problem document that REST would have sent."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from graphql import GraphQLError

from bff.errors import BffError
from bff.faces import problems
from bff.faces.problems import KINDS, Problem

_log = logging.getLogger("bff")

Formatted = dict[str, Any]  # Any: JSON


def of_request(errors: Iterable[GraphQLError], request_id: str) -> list[Formatted]:
    """The errors of a document or its variables: the client's own words, so their text is for the client."""
    return [_formatted(error, Problem("bad-request", error.message), request_id) for error in errors]


def of_fields(errors: Iterable[GraphQLError], request_id: str) -> Iterator[Formatted]:
    """The errors of an execution; what is a bug is logged, once a root field, and told as nothing but a bug."""
    logged: set[object] = set()
    for error in errors:
        problem = _problem(error)
        root = error.path[0] if error.path else None
        if problem.kind == "internal" and not isinstance(error.original_error, Problem) and root not in logged:
            logged.add(root)
            _log.error("a bug at %s, request %s", _place(error), request_id, exc_info=error.original_error or error)
        yield _formatted(error, problem, request_id)


def _problem(error: GraphQLError) -> Problem:
    """An error below a root field is a value that breaks its own type (a null, an Int of 33 bits): always a bug."""
    cause = error.original_error
    if isinstance(cause, BffError):
        return problems.of(cause)
    at_root = error.path is None or len(error.path) == 1
    if at_root and (cause is None or isinstance(cause, GraphQLError)):
        return Problem("bad-request", error.message)  # an argument that cannot be read
    return Problem("internal")


def _formatted(error: GraphQLError, problem: Problem, request_id: str) -> Formatted:
    formatted: Formatted = {"message": problem.detail or KINDS[problem.kind].title}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        formatted["path"] = error.path
    formatted["extensions"] = problem.document(request_id)
    return formatted


def _place(error: GraphQLError) -> str:
    return ".".join(str(part) for part in error.path or ())
