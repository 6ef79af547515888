"""An API key: how it is written, what is kept of it, and whether a text is one.

`thk_<id>.<secret>`: the id finds the record, the secret (256 random bits) proves it. Only the SHA-256 of the whole is
kept: of 256 random bits nothing can be found by trying, so a slow hash would cost us and nobody else.
"""

import re
import secrets
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated, Final

import msgspec

from bff.identity.unauthenticated import Unauthenticated

PREFIX: Final = "thk_"  # what scanners of repositories and logs look for
ID_LENGTH: Final = 12  # of 62 letters: two of 10,000 keys are alike once in 10^14
MOST_SECRETS: Final = 2  # at once: the one in use, and the one that it is being replaced by

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES: Final = 32
_KEY: Final = re.compile(r"thk_([0-9A-Za-z]{12})\.[A-Za-z0-9_-]{43}", re.ASCII)
_ENDPOINTS: Final = re.compile(r"\*|[A-Za-z0-9_-]{1,64}/(\*|[A-Za-z0-9_-]{1,64})", re.ASCII)


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SHA-256 (hexadecimal) of a whole key, and until when it is good (seconds since 1970; None: as long as the key)."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    until: int | None = None


# Compared with in place of what is not there, so that an unknown id takes the time of a known one (S035).
_NOBODY: Final = Secret("0" * 64, until=0)
_NOBODYS: Final = (_NOBODY,)


class KeyRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is kept of a key. `to` names the endpoints it opens: `app/*`, `app/screen`, `routes/name` or `*`.

    Times are in seconds since 1970; `expires` and `revoked` are None where that has no date.
    """

    id: str
    to: tuple[str, ...]
    secrets: tuple[Secret, ...]
    created: int
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    note: str = ""
    expires: int | None = None
    revoked: int | None = None

    def opens(self, endpoint: str) -> bool:
        """Whether it is for the endpoint of this name."""
        app = f"{endpoint.partition('/')[0]}/*"
        return any(pattern in (endpoint, app, "*") for pattern in self.to)


def new_key(key_id: str | None = None) -> tuple[str, str]:
    """A key nobody has had before, and its id: a new one, unless it is a further secret of a key that there is."""
    key_id = key_id or "".join(secrets.choice(_LETTERS) for _ in range(ID_LENGTH))
    return f"{PREFIX}{key_id}.{secrets.token_urlsafe(_SECRET_BYTES)}", key_id


def id_of(text: str) -> str:
    """The id of what has the form of a key; raises Unauthenticated for anything else."""
    found = _KEY.fullmatch(text)
    if found is None:
        raise Unauthenticated("malformed")
    return found[1]


def digest_of(text: str) -> str:
    """What is kept of a key, and compared."""
    return sha256(text.encode("ascii")).hexdigest()


def judge(text: str, record: KeyRecord | None, wall: float) -> KeyRecord:
    """The record, if the text is its key. Raises Unauthenticated.

    The same work whether there is such an id or not and wherever the secret differs; what else is wrong with a key is
    told only after its secret was right.
    """
    digest = digest_of(text)
    good = ended = False
    for secret in (*(_NOBODYS if record is None else record.secrets), _NOBODY)[:MOST_SECRETS]:
        same = compare_digest(digest, secret.sha256)
        running = secret.until is None or wall < secret.until
        good |= same and running
        ended |= same and not running
    if record is None or not (good or ended):
        raise Unauthenticated("wrong key")
    if not good:  # rotated away: its owner is no guesser
        raise Unauthenticated("expired")
    if record.revoked is not None:
        raise Unauthenticated("revoked")
    if record.expires is not None and wall >= record.expires:
        raise Unauthenticated("expired")
    return record


def is_endpoints(pattern: str) -> bool:
    """Whether this can stand in `to`."""
    return _ENDPOINTS.fullmatch(pattern) is not None
