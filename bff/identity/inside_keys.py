"""The gateway's own signing key: a file that only its owner reads, made when there is none, and what is published of it."""

import json
import os
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bff.errors import Refusal

PRIVATE: Final = 0o600
# What nobody else may do with it. The group may read: a Kubernetes secret with an fsGroup is mounted so (0440).
_TOO_OPEN: Final = 0o027
LARGEST: Final = 16 * 1024  # bytes of a PEM file; a key has 119


class InsideKeys:
    """An Ed25519 key and the set that backends check with: its public half, and those of `published` keys.

    Those are the last key's, whose tokens are good for another minute, and the next one's, so that every backend has it
    before the first token of it. `kid` is the key's thumbprint (RFC 7638), so equal files have equal names everywhere.
    """

    def __init__(self, key: Ed25519PrivateKey, published: Iterable[Ed25519PublicKey] = ()) -> None:
        entries = {entry["kid"]: entry for entry in map(_jwk, (key.public_key(), *published))}
        self.sign = key.sign
        self.kid = next(iter(entries))
        self.document = json.dumps({"keys": list(entries.values())}).encode()  # /.well-known/jwks.json

    @classmethod
    def at(cls, path: Path, published: Iterable[Path] = ()) -> "InsideKeys":
        """The key at `path`, which is made if it is missing; processes that start together end with one.

        Raises Refusal for files that cannot be had, are open to others or hold anything but an Ed25519 key.
        """
        faults: list[str] = []
        key = None
        others: list[Ed25519PublicKey] = []
        try:
            key = _private(path, _made(path) if not path.exists() else _read(path, PRIVATE))
        except _Unusable as unusable:
            faults.append(f"inside.key_file: {unusable}")
        for place, other in enumerate(published):
            try:
                others.append(_public(other, _read(other)))
            except _Unusable as unusable:
                faults.append(f"inside.published.{place}: {unusable}")
        if key is None or faults:
            raise Refusal(faults)
        return cls(key, others)


class _Unusable(Exception):
    """Why a file cannot be used, with the mend."""


def _read(path: Path, mode: int | None = None) -> bytes:
    """The file's bytes; with a `mode`, only if others can neither read nor change it."""
    try:
        with path.open("rb") as opened:
            found = os.fstat(opened.fileno())  # of what was opened: the name may mean another file by now
            if not stat.S_ISREG(found.st_mode):
                raise _Unusable(f"{path} is no file")
            if mode is not None and found.st_mode & _TOO_OPEN:
                raise _Unusable(f"{path} can be read or changed by others; run `chmod {mode:o} {path}`, or make a new key")
            return opened.read(LARGEST)
    except OSError as error:
        raise _Unusable(f"{path} cannot be read: {error.strerror}") from error


def _made(path: Path) -> bytes:
    """Make the key and give what the file holds then: ours, or that of a process that was quicker."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A draft has a name of its own and mode 0600 from its first byte; a link is made whole or not at all.
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as draft:
            draft.write(pem)
            draft.flush()
            os.fsync(draft.fileno())
            try:
                os.link(draft.name, path)
            except FileExistsError:
                return _read(path, PRIVATE)
    except OSError as error:
        raise _Unusable(f"{path} cannot be made: {error.strerror}; make its folder writable, or give a key") from error
    return pem


def _private(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
        raise _Unusable(f"{path} holds no private key in PEM; make one with `openssl genpkey -algorithm ed25519`") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _Unusable(f"{path} holds a key of another kind; make one with `openssl genpkey -algorithm ed25519`")
    return key


def _public(path: Path, pem: bytes) -> Ed25519PublicKey:
    """Of a public key's file, or of a private one's: the last key_file can be named as it is."""
    if b"PRIVATE KEY" in pem:
        return _private(path, _read(path, PRIVATE)).public_key()
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise _Unusable(f"{path} holds no key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise _Unusable(f"{path} holds a key of another kind than Ed25519")
    return key


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    numbers = {"crv": "Ed25519", "kty": "OKP", "x": unpadded(raw)}
    digest = sha256(json.dumps(numbers, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**numbers, "kid": unpadded(digest), "use": "sig", "alg": "EdDSA"}


def unpadded(raw: bytes) -> str:
    """base64url without padding, as JOSE writes everything."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
