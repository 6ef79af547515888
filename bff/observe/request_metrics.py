"""Metrics of requests, screens and sections."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from bff.observe.families import counter, histogram
from bff.observe.records import Records


def families(records: Records) -> Iterator[Metric]:
    endpoints = list(records.endpoints.values())
    named = [((one.app, one.template, one.method), one) for one in endpoints]
    yield counter(
        "thali_requests",
        "Requests answered, by the class of their status; a client that went is 4xx",
        ("app", "endpoint", "method", "status"),
        (
            ((*labels, f"{digit}xx"), count)
            for labels, one in named
            for digit, count in enumerate(one.classes)
            if count or digit == 2
        ),
    )
    yield histogram(
        "thali_request_duration_seconds",
        "From a request's arrival to its last byte handed to the server",
        ("app", "endpoint", "method"),
        ((labels, one.latency) for labels, one in named),
    )
    yield counter(
        "thali_response_bytes",
        "Bytes of answers' bodies",
        ("app", "endpoint", "method"),
        ((labels, one.bytes) for labels, one in named),
    )
    screens = list(records.screens.items())
    yield counter(
        "thali_screens",
        "Runs of a screen: complete, degraded (a section of it is not plainly ok) or failed",
        ("app", "screen", "result"),
        (((*place, result), count) for place, one in screens for result, count in one.results.items()),
    )
    yield counter(
        "thali_section_outcomes",
        "How the sections and item fields of a screen were had",
        ("app", "screen", "section", "status"),
        (((*place, *had), count) for place, one in screens for had, count in one.sections().items()),
    )
    yield counter(
        "thali_sections_blamed",
        "Sections that were not plainly ok, by the service to blame",
        ("service",),
        (((service,), count) for service, count in list(records.blamed.items())),
    )
