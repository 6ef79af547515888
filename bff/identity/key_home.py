"""Where the records of API keys are kept: a port, and the home in a shared state store."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from bff.errors import BffError, Refusal
from bff.identity.api_key import KeyRecord
from bff.state.store import StateUnavailable, Store, key_of

MOST_KEYS: Final = 10_000  # 4 MB of them; a business with more of them wants a service that manages them

# Seconds: the store's values have an end, keys do not. Every change of a key begins them anew.
_TEN_YEARS: Final = 10 * 366 * 86400.0
_IDS: Final = key_of("apikeys", "ids")
_TRIES: Final = 10

_encode = msgspec.json.Encoder().encode
_read_record = msgspec.json.Decoder(KeyRecord).decode
_read_ids = msgspec.json.Decoder(list[str]).decode


class KeysUnreadable(BffError):
    """The home of the keys cannot be read now: nothing is known about a key."""


class KeyHome(Protocol):
    """Records by id. All methods raise KeysUnreadable."""

    async def find(self, key_id: str) -> KeyRecord | None: ...

    async def all(self) -> Sequence[KeyRecord]: ...

    async def put(self, record: KeyRecord, instead_of: KeyRecord | None) -> None:
        """Keep a record in place of the one that was read (None: a new one). Raises Refusal if that was changed since."""
        ...


class StoredKeys:
    """Keys in a shared state store: every instance has them at once. A store that is emptied loses them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, key_id: str) -> KeyRecord | None:
        try:
            text = await self._store.get(_at(key_id))
            return None if text is None else _read_record(text)
        except (StateUnavailable, msgspec.DecodeError) as fault:
            raise KeysUnreadable(str(fault)) from fault

    async def all(self) -> Sequence[KeyRecord]:
        try:
            ids = _read_ids(await self._store.get(_IDS) or b"[]")
        except (StateUnavailable, msgspec.DecodeError) as fault:
            raise KeysUnreadable(str(fault)) from fault
        return [record for key_id in ids if (record := await self.find(key_id)) is not None]

    async def put(self, record: KeyRecord, instead_of: KeyRecord | None) -> None:
        try:
            if instead_of is None:
                await self._list(record.id)  # first: a listed id without a record is nothing, an unlisted key is a secret one
                kept = await self._store.add(_at(record.id), _encode(record), _TEN_YEARS)
            else:
                kept = await self._swap(record, instead_of)
        except (StateUnavailable, msgspec.DecodeError) as fault:
            raise KeysUnreadable(str(fault)) from fault
        if not kept:
            raise Refusal([f"key {record.id} was changed by somebody else in this moment: look again"])

    async def _swap(self, record: KeyRecord, instead_of: KeyRecord) -> bool:
        """What is replaced are the bytes as they are kept: those of an older release differ from what we would write."""
        text = await self._store.get(_at(record.id))
        if text is None or _read_record(text) != instead_of:
            return False
        return await self._store.swap(_at(record.id), text, _encode(record), _TEN_YEARS)

    async def _list(self, key_id: str) -> None:
        for _ in range(_TRIES):
            text = await self._store.get(_IDS)
            ids = _read_ids(text or b"[]")
            if len(ids) >= MOST_KEYS:
                raise Refusal([f"there are {MOST_KEYS} keys already"])
            more = _encode([*ids, key_id])
            if await (
                self._store.add(_IDS, more, _TEN_YEARS) if text is None else self._store.swap(_IDS, text, more, _TEN_YEARS)
            ):
                return
        raise Refusal(["others are changing the list of keys: try again"])


def _at(key_id: str) -> str:
    return key_of("apikey", key_id)
