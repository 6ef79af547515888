"""Every row's answer is looked at before it is timed: its status, and its JSON against the workload's."""

import http.client
import json
from typing import Any

from benchmarks.systems import Row, WrongAnswerError
from benchmarks.workloads import Workload


def check(row: Row, port: int, workload: Workload) -> None:
    """Ask once; raise WrongAnswerError with the first difference."""
    request = row.request
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswerError(f"no answer: {error}", silent=True) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise WrongAnswerError(f"status {answer.status}: {body[:200].decode(errors='replace')}")
    try:
        got = row.unwrap(json.loads(body))
    except (ValueError, KeyError, TypeError) as error:
        raise WrongAnswerError(f"not the answer's form ({error!r}): {body[:200].decode(errors='replace')}") from error
    if (where := difference(workload.expected, got)) is not None:
        raise WrongAnswerError(where)


def difference(expected: Any, got: Any, path: str = "$") -> str | None:
    """The first place where two parsed JSON values differ; None when they are equal."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            missing, extra = sorted(expected.keys() - got.keys()), sorted(got.keys() - expected.keys())
            return f"{path}: missing {missing}, not expected {extra}"
        pairs = ((expected[key], got[key], f"{path}.{key}") for key in expected)
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{path}: {len(got)} items, not {len(expected)}"
        pairs = ((one, other, f"{path}[{n}]") for n, (one, other) in enumerate(zip(expected, got, strict=True)))
    elif isinstance(expected, bool) is isinstance(got, bool) and expected == got:  # else True would equal 1
        return None
    else:
        return f"{path}: {got!r}, not {expected!r}"[:200]
    return next((found for one, other, place in pairs if (found := difference(one, other, place))), None)
