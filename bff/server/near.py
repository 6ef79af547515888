"""Whether an admin request was meant for this listener. A page in an operator's browser can point a name of its own at
127.0.0.1 (DNS rebinding) and would read whatever answers to any name.
"""

import re
from typing import Final

from starlette.types import Scope

# What no stranger can have in public DNS: an address, a name without a dot (localhost, a container's), and the names that
# are kept for private networks (RFC 6761, RFC 6762, RFC 9476; Kubernetes' services end in .svc or .cluster.local).
_NEAR: Final = re.compile(rb"(?i)(\[[0-9a-f:.]+\]|[0-9.]+|[^.\[\]@/]+|.+\.(localhost|local|internal|svc))\.?(:[0-9]+)?")


def is_near(scope: Scope) -> bool:
    """By its Host. A request without one (HTTP/1.0) comes from no browser."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return all(_NEAR.fullmatch(host) for host in hosts)
