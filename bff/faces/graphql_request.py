"""GraphQL over HTTP: a request's parameters from body or query, and the media type of its answer."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson

from bff.faces.accept import JSON, weight_of_json, weights
from bff.faces.graphql import Asked
from bff.faces.json_body import read_object, refuse_unless_json
from bff.faces.problems import Problem

GRAPHQL = "application/graphql-response+json"

# query, variables, operationName, extensions; a few more may be a proxy's own.
MAX_PARAMETERS = 10


def from_body(content_type: str | None, body: bytes) -> Asked:
    """A POST's request; raises the 415 and 400 problems."""
    refuse_unless_json(content_type)
    given = read_object(body)
    return _asked(given, reads_only=False)


def from_query(query_string: bytes) -> Asked:
    """A GET's request; raises the 400 problem."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except (UnicodeDecodeError, ValueError):
        raise Problem("bad-request", f"the query is not readable, or has more than {MAX_PARAMETERS} parameters") from None
    given: dict[str, object] = dict(pairs)
    if len(given) != len(pairs):
        raise Problem("bad-request", "a parameter is given twice")
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _object(name, str(given[name]))
        else:
            given.pop(name, None)
    if given.get("operationName") == "":
        del given["operationName"]
    return _asked(given, reads_only=True)


def _object(name: str, text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Problem("bad-request", f"'{name}' is not JSON") from None


def _asked(given: Mapping[str, object], *, reads_only: bool) -> Asked:
    query, operation = given.get("query"), given.get("operationName")
    variables, extensions = given.get("variables"), given.get("extensions")
    if not isinstance(query, str) or not query:
        raise Problem("bad-request", "'query' is missing, or is not a string")
    if operation is not None and not isinstance(operation, str):
        raise Problem("bad-request", "'operationName' is not a string")
    if variables is not None and not isinstance(variables, dict):
        raise Problem("bad-request", "'variables' is not an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise Problem("bad-request", "'extensions' is not an object")
    return Asked(query, variables or {}, operation, reads_only)


def media_type(accept: str | None) -> str:
    """The type of the answer by the client's Accept (RFC 9110 section 12.5.1); raises the 406 problem.

    GraphQL's own type only to those who name it and like it no less: others get what they always got.
    """
    if accept is None or accept.strip() in ("", "*/*"):
        return JSON
    named = weights(accept)
    graphql = named.get(GRAPHQL, 0.0)
    if graphql > 0 and graphql >= named.get(JSON, 0.0):
        return GRAPHQL
    if weight_of_json(named) > 0:
        return JSON
    raise Problem("not-acceptable", f"answers are {GRAPHQL} or {JSON}")
