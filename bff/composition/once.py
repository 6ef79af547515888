"""`Once`: keys by which backends know the steps of a write again, when the client sends the same request once more."""

import secrets
from hashlib import sha256


class Once:
    """The keys of one run of an action. `Once("test")` in a test gives the same ones each time; `Once()` random ones.

    In a gateway they are derived from who asks, for which action, with which `Idempotency-Key`: the client's repeat of a
    request has the keys of the first, so a backend that takes them does nothing twice. After a run whose steps were
    undone they are new ones: what was undone must not be taken for done. Without a client's key they are random.
    """

    __slots__ = ("_seed",)

    def __init__(self, seed: str | None = None) -> None:
        self._seed = secrets.token_hex(16) if seed is None else seed

    def key(self, step: str) -> str:
        """The `Idempotency-Key` for one step's call: 32 hex digits, another for each step."""
        return sha256(f"{len(self._seed)}:{self._seed}:{step}".encode()).hexdigest()[:32]

    @classmethod
    def of(cls, *parts: str) -> "Once":
        """The keys that these parts stand for, however they are cut: each part counts with its length."""
        told = "".join(f"{len(part)}:{part}" for part in parts)
        return cls(sha256(told.encode("utf-8", "surrogatepass")).hexdigest())
