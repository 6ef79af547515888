"""How much a screen or a route matters when not all can be served."""

from typing import Final, Literal

# critical: what a person must be able to do on a bad day (log in, pay); high and normal: what they came for; low: what they
# would not miss. In the order in which they are kept.
Priority = Literal["critical", "high", "normal", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = ("critical", "high", "normal", "low")
