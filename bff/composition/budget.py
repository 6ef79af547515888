"""How a screen's budget is shared out (design.md section 3, rules of running). All in seconds."""

from typing import Any

from bff.composition.section import Section

# Kept for writing the answer: rendering and sending a screen takes a few ms; 20 leaves room on a busy core.
ANSWER_RESERVE = 0.020
# What a computed fallback may take. It asks a backend that is well, so its p99 fits; longer would eat the section's time.
FALLBACK_TIME = 0.150
# A call ends at the section's end, the section a little later: so that the call's own error, which names the service,
# arrives before the section is cut.
CUT_SLACK = 0.005


def time_for(section: Section[..., Any], budget: float) -> float:
    """The most that a section can be given on a screen of `budget` seconds."""
    reserve = FALLBACK_TIME if section.computed is not None else 0.0
    return budget - ANSWER_RESERVE - reserve
