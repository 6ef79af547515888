"""API keys in a file: hashes only, replaced as a whole, read again when it has changed."""

import asyncio
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from bff.errors import Refusal
from bff.identity.api_key import KeyRecord
from bff.identity.key_home import MOST_KEYS, KeysUnreadable
from bff.identity.own_thread import in_own_thread

MAX_BYTES: Final = 8 * 1024 * 1024  # of MOST_KEYS with long notes
# Seconds in which the file is looked at once, however many keys are asked for: ten looks a second cost nothing.
_LOOK: Final = 0.1


class KeyDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    keys: list[KeyRecord]


_read = msgspec.json.Decoder(KeyDocument).decode


class FiledKeys:
    """The keys of one file. No file is no keys, as long as there was none: one that goes is a fault, not a revocation."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._now = path, now
        self._keys: dict[str, KeyRecord] = {}
        self._seen: tuple[int, int, int] | None = None  # what the file was when it was read
        self._looked_at = float("-inf")
        self._looking: asyncio.Future[None] | None = None

    async def find(self, key_id: str) -> KeyRecord | None:
        if self._now() - self._looked_at >= _LOOK:
            await self._looked()
            self._looked_at = self._now()
        return self._keys.get(key_id)

    async def all(self) -> Sequence[KeyRecord]:
        await self._looked()
        return list(self._keys.values())

    async def put(self, record: KeyRecord, instead_of: KeyRecord | None) -> None:
        try:
            await in_own_thread(lambda: self._put(record, instead_of), "key file")
        except OSError as fault:
            raise Refusal(
                [f"{self._path}: cannot be written ({fault.strerror}): nothing was changed; do it as the user whose file it is"]
            ) from fault

    async def _looked(self) -> None:
        """Wait for a look: for the one that is under way, if one is. A disk that hangs holds one thread, whoever asks."""
        if self._looking is None or self._looking.done():
            self._looking = in_own_thread(self._look, "key file")
        await asyncio.shield(self._looking)  # who gives up leaves it to the others

    def _look(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            if self._seen is None:
                return
            raise KeysUnreadable(f"{self._path}: it is not there any more") from None
        except OSError as fault:
            raise KeysUnreadable(f"{self._path}: {fault}") from fault
        mark = (found.st_mtime_ns, found.st_ino, found.st_size)
        if mark != self._seen:
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise KeysUnreadable(f"{self._path}: others than its owner can write it; chmod 600 {self._path}")
            self._keys, self._seen = self._load(), mark

    def _load(self) -> dict[str, KeyRecord]:
        try:
            with self._path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
            keys = _read(text).keys
        except (OSError, msgspec.DecodeError) as fault:
            raise KeysUnreadable(f"{self._path}: {fault}") from fault
        if len(text) > MAX_BYTES:
            raise KeysUnreadable(f"{self._path}: longer than {MAX_BYTES} bytes")
        found = {record.id: record for record in keys}
        if len(found) != len(keys):
            raise KeysUnreadable(f"{self._path}: an id stands twice")
        return found

    def _put(self, record: KeyRecord, instead_of: KeyRecord | None) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self._path.parent):
            self._look()
            if self._keys.get(record.id) != instead_of:
                raise Refusal([f"key {record.id} was changed by somebody else in this moment: look again"])
            keys = {**self._keys, record.id: record}
            if len(keys) > MOST_KEYS:
                raise Refusal([f"{self._path}: there are {MOST_KEYS} keys already"])
            self._replace(KeyDocument(list(keys.values())))
            self._look()

    def _replace(self, document: KeyDocument) -> None:
        """In one step, so that no reader sees half of it.

        A new file of ours is readable by nobody else (0600). One that was there stays whose it was, as open as it was: the
        gateway may be another user than who makes keys.
        """
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                _like(self._path, file.fileno())
                file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _like(path: Path, handle: int) -> None:
    """Give what is open the owner and the mode of the file at `path`, where there is one."""
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: two that read the same file would each write it without the other's key."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
