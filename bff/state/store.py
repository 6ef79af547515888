"""What is remembered beyond one request: one port, two homes (in process, Redis).

Keys are bytes-safe text; a part of a key that came from a client is hashed or length-delimited by who builds the key
(`key_of`), so that no two parts can be read as others (S124).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from bff.errors import BffError


class StateUnavailable(BffError):
    """The store did not answer within its budget, or its breaker is open. What then holds is the caller's to decide."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script: `text` runs on Redis, whole or not at all, over the keys it is given (of one slot in a cluster)."""

    name: str
    text: str


class Store(Protocol):
    """Small values with an end. `ttl` is in seconds; every method may raise StateUnavailable, and nothing else."""

    @property
    def shared(self) -> bool:
        """Whether other processes see what is kept here."""
        ...

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, ttl: float) -> None: ...

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Keep it unless something is there already; whether it was kept."""
        ...

    async def swap(self, key: str, expected: bytes, value: bytes | None, ttl: float) -> bool:
        """Replace (or, with None, delete) what is there if it is `expected`; whether it was."""
        ...

    async def delete(self, key: str) -> None: ...

    async def start(self) -> None:
        """Look whether it can be used: raises Refusal for a server that is too old. One that is down is no fault."""
        ...

    async def close(self) -> None: ...


class Scripts(Protocol):
    """A store that runs scripts: Redis. Each call is one command; those of one turn of the loop travel together."""

    async def run(self, script: Script, key: str, arguments: Sequence[int | float | str]) -> list[int | bytes]:
        """Run it on one key. Raises StateUnavailable."""
        ...


def key_of(*parts: str) -> str:
    """A key of parts that cannot run into each other: the first stands plain, the rest are hashed with their lengths."""
    first, *rest = parts
    told = "".join(f"{len(part)}:{part}" for part in rest)
    return f"thali:{first}:{sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
