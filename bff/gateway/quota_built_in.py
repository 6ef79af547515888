"""The limits of a project that names none: so wide that no person meets them, and no program goes without any."""

from collections.abc import Mapping

from bff.limit_settings import RateLimitSettings

# Ten requests a second for a minute on end: an office behind one address stays below it, a script that guesses does not.
# A person who taps as fast as screens come makes two a second. Leased: neither needs a count to the last request.
BUILT_IN: Mapping[str, RateLimitSettings] = {
    "addresses": RateLimitSettings(by=["address"], limit=600, algorithm="bucket", shared="leased"),
    "callers": RateLimitSettings(by=["caller"], limit=300, algorithm="bucket", burst=100, shared="leased"),
}


def or_built_in(limits: Mapping[str, RateLimitSettings]) -> Mapping[str, RateLimitSettings]:
    """The project's own limits, or these where it has none."""
    return limits or BUILT_IN
