"""`Accept` (RFC 9110 section 12.5.1), read once for REST and GraphQL alike."""

from collections.abc import Iterator, Mapping

JSON = "application/json"


def weights(accept: str) -> dict[str, float]:
    """The media types that a client names, in lower case, and how much it wants each; 0 is not at all."""
    return dict(_weights(accept))


def weight_of_json(named: Mapping[str, float]) -> float:
    """JSON's own weight, or that of the narrowest wildcard that takes it in."""
    return named.get(JSON, named.get("application/*", named.get("*/*", 0.0)))


def _weights(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        media, *parameters = part.split(";")
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = _weight(value.strip())
        yield media.strip().lower(), weight


def _weight(text: str) -> float:
    """A weight that cannot be read is none: the type counts as not wanted."""
    return float(text) if text.replace(".", "", 1).isdigit() and text.isascii() else 0.0
