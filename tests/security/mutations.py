"""Every defence, and which cases no mutation can reach."""

import re
from typing import Final

from tests.identity.mutations import MUTATIONS
from tests.security.defence import Defence
from tests.security.mutations_bodies import BODIES
from tests.security.mutations_front import FRONT
from tests.security.mutations_inside import INSIDE

IDENTITY: Final = (
    *(Defence(one.name, one.cases, patch=one.off) for one in MUTATIONS),
    Defence(
        "how long a key's name may be",
        ("S024",),
        {
            "bff.identity.jwt:KID": re.compile(".*", re.DOTALL),
            **{f"bff.identity.{module}:MAX_TOKEN": 1 << 30 for module in ("bearer", "compact", "jwt")},
        },
    ),
)
DEFENCES: Final[tuple[Defence, ...]] = (*IDENTITY, *FRONT, *BODIES, *INSIDE)

# Why a case has no defence that could be taken away. Its tests hold us to it that another server would not do.
_PARSER: Final = "held by the server's parser (hyper), cannot be switched off"
HELD: Final[dict[str, str]] = {
    "S079": _PARSER,
    "S082": _PARSER,
    "S083": _PARSER,
    "S100": "nothing here calls an address that a request names, so there is nothing to switch off",
    "S151": "held by pip's --require-hashes: a tampered wheel is what the test gives it",
}


def switch_off(name: str) -> None:
    """Take the named defence away, in this process."""
    next(one for one in DEFENCES if one.name == name).off()


def held_by(case: str) -> str:
    """The defences of a case by their names, or why it has none; "" when neither is told."""
    return ", ".join(one.name for one in DEFENCES if case in one.cases) or HELD.get(case, "")
