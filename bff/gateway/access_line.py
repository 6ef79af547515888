"""The access line: one JSON object a request, from an allow-list of fields. Never a query value, a body or a token."""

from datetime import UTC, datetime
from time import monotonic

from bff.gateway.request import Request


def access_line(request: Request, status: int, size: int) -> dict[str, object]:
    """Who, what, when, how long, with what result, and the verdicts of the sections that were not plainly ok."""
    endpoint = request.endpoint
    client = request.scope.get("client")
    fields: dict[str, object] = {
        "time": datetime.now(UTC),
        "requestId": request.id,
        "user": request.caller.id,
        "address": client[0] if client else None,
        "app": endpoint.app if endpoint else None,
        "method": request.method,
        "path": endpoint.template if endpoint else None,  # the template, not the path: no ids, bounded values
        "status": status,
        "ms": round((monotonic() - request.started) * 1000, 2),
        "bytes": size,
        "calls": request.calls,
    }
    if request.refused:
        fields["refused"] = request.refused
    if request.outcomes:
        fields["sections"] = {key: outcome.as_meta() for key, outcome in request.outcomes.items()}
    return fields
