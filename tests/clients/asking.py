"""How the tests of clients look at what a scripted backend was asked."""

from urllib.parse import parse_qs, urlsplit

from bff.testing import StubService


def asked(stub: StubService) -> list[tuple[str, dict[str, list[str]]]]:
    """The path and query of every call, in order."""
    return [(record.path, parse_qs(urlsplit(record.target).query)) for record in stub.seen]
