"""Instances from a TOML file that something else writes: a deploy script, a ConfigMap, consul-template.

    instances = ["http://10.0.0.7:8080", "http://10.0.0.8:8080"]

or, with shares of their own:

    [[instance]]
    url = "http://10.0.0.7:8080"
    weight = 3
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import msgspec

from bff.endpoint import Endpoint
from bff.upstream.discover_watch import NothingFound, Seen

# Reading it costs tens of microseconds in a thread, and a change is followed within this whatever the file system says
# of its times: whole contents are compared, so a file that was replaced, linked anew or written over is all the same.
_EVERY: Final = 1.0
# A thousand instances at a hundred bytes, ten times over.
_LARGEST: Final = 1024 * 1024


class _Copy(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    weight: Annotated[int, msgspec.Meta(ge=1)] = 1


class _Listed(msgspec.Struct, forbid_unknown_fields=True):
    instances: list[str] = []
    instance: list[_Copy] = []


class FileLook:
    """What the file says now. NothingFound if it cannot be read, is no such list or lists nobody: a file that is just
    being written must not end a service."""

    def __init__(self, path: Path, every: float) -> None:
        self._path, self._every = path, min(every, _EVERY)
        self._read = b""
        self._seen = Seen((), 0.0)

    async def __call__(self) -> Seen:
        read = await asyncio.to_thread(self._content)
        if read != self._read:
            self._seen = Seen(self._listed(read), self._every)
            self._read = read
        return self._seen

    def _content(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                read = file.read(_LARGEST + 1)
        except OSError as error:
            raise NothingFound(f"{self._path}: {error.strerror or error}") from error
        if not 0 < len(read) <= _LARGEST:
            raise NothingFound(f"{self._path}: {'it is empty' if not read else f'it is over {_LARGEST} bytes'}")
        return read

    def _listed(self, read: bytes) -> tuple[Endpoint, ...]:
        try:
            listed = msgspec.toml.decode(read, type=_Listed)
            plain = [Endpoint.of(url) for url in listed.instances]
            weighed = [Endpoint.of(copy.url, copy.weight) for copy in listed.instance]
        except (msgspec.MsgspecError, ValueError) as error:
            raise NothingFound(f"{self._path}: {error}") from error
        if not plain and not weighed:
            raise NothingFound(f"{self._path}: it lists no instance")
        return (*plain, *weighed)
