"""The access line: one JSON object a request, from an allow-list of fields. Never a query value, a body or a token.

It is put together by hand, for it is written for every request; every word that a client or a backend has a say in goes
through the JSON encoder, so nothing in it can end the line or begin another (S148).
"""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Final

import orjson

from bff.gateway.request import Request
from bff.observe.records import EndpointRecord
from bff.upstream.scope import CallRecord

# Sections, and instances called, that a line names. An operation of many aliases may have more; a line then says how
# many, and stays within what a pipe takes in one piece.
MOST_NAMED: Final = 32
# Characters of a section's name, and bytes of all that is said of sections: the aliases in them are the client's, of any
# length.
LONGEST_NAME: Final = 64
MOST_SAID: Final = 2560
# The shortest status of an answer that is a refusal or a failure of ours.
REFUSED_FROM: Final = 400


def access_line(request: Request, record: EndpointRecord, time: str, status: int, size: int, seconds: float) -> str:
    """Who, what, when, how long, with what result, whom it called, and the verdicts of sections that were not plainly ok."""
    client = request.scope.get("client")
    address = request.address or (client[0] if client else None)  # the guard's; on the admin port there is no guard
    calls = request.work.records
    trace = request.work.trace
    line = (
        f'{{"time":"{time}","requestId":"{request.id}","traceId":"{trace.trace_id if trace else ""}",'
        f'"user":{_text(request.caller.id)},"address":{_text(address)},{record.words},'
        f'"status":{status},"ms":{seconds * 1000:.2f},"bytes":{size},"calls":{len(calls)}'
    )
    if calls:
        line += _destinations(calls)
    if status >= REFUSED_FROM:
        line += f',"audit":"refusal","problem":{_text(request.problem)}'
    if request.refused:
        line += f',"refused":{_text(request.refused)}'
    if request.outcomes:
        line += f',"sections":{_sections(request)}'
    return line + "}"


def _destinations(calls: Sequence[CallRecord]) -> str:
    """`service@instance` for each that was called, the service alone where nobody was, and how many attempts were extra."""
    called: dict[str, None] = {}
    extra = 0
    try:
        for record in calls:
            (attempt,) = record.attempts
            called[f"{record.service}@{attempt.instance}"] = None
    except ValueError:  # one was sent again, or not at all; in most requests none was
        called, extra = _attempted(calls)
    named = list(called) if len(called) <= MOST_NAMED else [*islice(called, MOST_NAMED), f"{len(called) - MOST_NAMED} more"]
    text = f',"to":{orjson.dumps(named).decode()}'
    return f'{text},"extraAttempts":{extra}' if extra else text


def _attempted(calls: Sequence[CallRecord]) -> tuple[dict[str, None], int]:
    """Whom they called, and how many of their attempts were extra, whatever each of them has."""
    called: dict[str, None] = {}
    extra = 0
    for record in calls:
        extra += max(0, len(record.attempts) - 1)
        called |= dict.fromkeys([f"{record.service}@{attempt.instance}" for attempt in record.attempts] or [record.service])
    return called, extra


def _sections(request: Request) -> str:
    said: list[str] = []
    room = MOST_SAID
    for key, outcome in islice(request.outcomes.items(), MOST_NAMED):
        text = orjson.dumps({_short(key): outcome.as_meta()})[1:-1].decode()
        room -= len(text)
        if room < 0:
            break
        said.append(text)
    if len(request.outcomes) > len(said):
        said.append(f'"more":{{"count":{len(request.outcomes) - len(said)}}}')
    return f"{{{','.join(said)}}}"


def _short(key: str) -> str:
    """Both ends of a long name: who asked, and the section itself."""
    half = LONGEST_NAME // 2
    return key if len(key) <= LONGEST_NAME else f"{key[:half]}...{key[-half:]}"


def _text(value: str | None) -> str:
    """As JSON. A verified subject may hold half a surrogate pair, which is no UTF-8 and which orjson refuses."""
    if value is None:
        return "null"
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)
