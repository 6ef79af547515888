"""Writes that are made once, and undone by who never heard of them.

Who gets no answer to a write cannot know whether it was done. So it gives the write's key up: what was made under the key
is undone, and a request that is still on its way with this key makes nothing when it arrives.
"""

import hashlib
from dataclasses import dataclass

from backends.store import Row
from backends.web import Ask, Refused


@dataclass(frozen=True, slots=True)
class Once:
    """The Idempotency-Keys of one kind of write; `what` names it in the table and in refusals."""

    what: str

    def earlier(self, ask: Ask) -> int | None:
        """The id of what this very request has made before. 422: the key came with another body; 409: it was given up."""
        row = self._row(ask, ask.request.headers.get("idempotency-key", ""))
        if row is None:
            return None
        if row["given_up"]:
            raise Refused(409, f"this Idempotency-Key was given up: no {self.what} is made by it")
        if row["digest"] != digest(ask):
            raise Refused(422, f"this Idempotency-Key was used for another {self.what}")
        return int(row["made"])

    def made(self, ask: Ask, number: int) -> None:
        """Remember what this request made, if it has a key."""
        if key := ask.request.headers.get("idempotency-key"):
            ask.store.write("INSERT INTO once VALUES (?, ?, ?, 0)", f"{self.what} {key}", digest(ask), number)

    def of(self, ask: Ask, key: str) -> int | None:
        """The id of what was made under a key, given up or not."""
        row = self._row(ask, key)
        return None if row is None or row["made"] is None else int(row["made"])

    def give_up(self, ask: Ask, key: str) -> None:
        """From now on the key makes nothing; undoing what it has made is the caller's."""
        sql = "INSERT INTO once VALUES (?, '', NULL, 1) ON CONFLICT DO UPDATE SET given_up = 1"
        ask.store.write(sql, f"{self.what} {key}")

    def _row(self, ask: Ask, key: str) -> Row | None:
        return ask.store.one("SELECT * FROM once WHERE key = ?", f"{self.what} {key}") if key else None


def digest(ask: Ask) -> str:
    return hashlib.sha256(ask.request.body).hexdigest()
