"""The demo's data: one SQLite file, built once, read by every service from a copy in memory.

Queries run on the event loop. Each is an index look-up in memory, far below a millisecond, so a thread would cost more
than the query; and a copy makes what a demo or test writes vanish with the process, so that every start is alike.
"""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from backends.schema import SCHEMA, VERSION
from backends.seed import fill

Row = sqlite3.Row
Value = str | int | float | None


class Store:
    """Rows by SQL, from one connection that all services of this process share."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._connection.row_factory = sqlite3.Row

    def rows(self, sql: str, *values: Value) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Value) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def among(self, sql: str, keys: Sequence[Value]) -> list[Row]:
        """Rows by a query whose `IN (?)` stands for all of `keys`; an empty list asks nothing."""
        if not keys:
            return []
        return self.rows(sql.replace("(?)", f"({','.join('?' * len(keys))})"), *keys)

    def write(self, sql: str, *values: Value) -> int:
        """Run one write; the id of the row it made, if it made one."""
        return self._connection.execute(sql, values).lastrowid or 0

    def close(self) -> None:
        self._connection.close()


def folder() -> Path:
    """Where data and keys are kept: THALI_DATA, else .cache/backends of the project."""
    chosen = os.environ.get("THALI_DATA")
    return Path(chosen) if chosen else Path(__file__).resolve().parent.parent / ".cache" / "backends"


def load(where: Path) -> Store:
    """The seeded data in memory; the file under `where` is built first if it is missing or of another version."""
    where.mkdir(parents=True, exist_ok=True)
    file = where / "demo.sqlite3"
    with (where / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers start together; one of them builds, the others wait
        if version_of(file) != VERSION:
            build(file)
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with closing(sqlite3.connect(file)) as source:
        source.backup(memory)  # 18 MB in some 20 ms
    return Store(memory)


def version_of(file: Path) -> int:
    """The schema version of a data file; 0 if there is none."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def build(file: Path) -> None:
    """Build the data file; it is whole or not there, whatever happens in between."""
    draft = file.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        fill(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.commit()
    draft.replace(file)
