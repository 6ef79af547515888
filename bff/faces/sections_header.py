"""`BFF-Sections`: the verdicts once more, as one structured field (RFC 9651), for proxies that do not read bodies."""

import re
from collections.abc import Mapping

from bff.composition.outcome import Outcome

# What a structured String cannot hold (RFC 9651 section 3.3.3), line breaks above all.
_ODD = re.compile(r"[^ -~]")


def sections_header(outcomes: Mapping[str, Outcome]) -> bytes:
    """A List of Strings, one a section that is not plainly ok, with its verdict as parameters.

    `"lastOrders";status=fallback;reason="timeout";service="orders"`. Names are Strings because the keys of a
    structured Dictionary must be lower case, and sections are not.
    """
    return ", ".join(_member(key, outcome) for key, outcome in outcomes.items()).encode("ascii")


def _member(key: str, outcome: Outcome) -> str:
    parts = [_string(key), f"status={outcome.status}"]
    if outcome.reason is not None:
        parts.append(f"reason={_string(outcome.reason)}")
    if outcome.service is not None:
        parts.append(f"service={_string(outcome.service)}")
    if outcome.age is not None:
        parts.append(f"age={outcome.age:.1f}")
    if outcome.retry_after is not None:
        parts.append(f"retry-after={outcome.retry_after:.1f}")
    return ";".join(parts)


def _string(text: str) -> str:
    escaped = _ODD.sub("?", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
