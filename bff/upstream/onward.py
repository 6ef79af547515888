"""What each attempt tells its backend beside the call's own headers: how long it may take, and where it is in the trace."""

from typing import Final

from bff.upstream.call import Call, Headers

# What a hop keeps of the time it has: the way back and the decoding of a backend's answer (reliability-security.md 2.1).
HOP_MARGIN: Final = 0.010


def told(left: float) -> str:
    """What a backend is told it has when `left` seconds are left: whole milliseconds, less what the way back takes."""
    return str(max(1, int((left - HOP_MARGIN) * 1000)))


def trace_headers(call: Call, span_id: str) -> Headers:
    """`traceparent`, and `tracestate` as it came (W3C Trace Context); nothing for a call that is not traced."""
    trace = call.trace
    if trace is None:
        return ()
    parent = ("traceparent", f"00-{trace.trace_id}-{span_id}-{trace.flags}")
    return (parent, ("tracestate", trace.state)) if trace.state else (parent,)
