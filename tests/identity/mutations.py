"""The defences of identity, each with the cases that hold it and the patch that takes it away (tests/security/mutations.py).

`off` patches for the life of the process.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from bff.gateway import identify
from bff.gateway.guesses import Guesses
from bff.gateway.identify import KEY_HEADER, Identities
from bff.gateway.request import Request
from bff.identity import api_key, api_keys, bearer, claims, compact, configured, introspection, issuer, jwks, jwt
from bff.identity.api_key import KeyRecord
from bff.identity.compact import Compact
from bff.identity.issuer import Issuer
from bff.identity.jwt import JwtVerifier
from bff.identity.revocations import Revocations
from bff.identity.unauthenticated import Reason, Unauthenticated


class Mutation(NamedTuple):
    name: str
    cases: tuple[str, ...]
    off: Callable[[], None]


def forgive(*reasons: Reason) -> Callable[[], None]:
    """The token's header is no longer held against what its issuer pins."""

    def off() -> None:
        strict = JwtVerifier._expected

        def lenient(self: JwtVerifier, parts: Compact) -> tuple[Issuer, str]:
            try:
                return strict(self, parts)
            except Unauthenticated as refused:
                if refused.reason not in reasons:
                    raise
                named = self._issuers.get(str(parts.payload.get("iss")))
                return named or next(iter(self._issuers.values())), str(parts.header.get("alg"))

        JwtVerifier._expected = lenient  # type: ignore[method-assign]

    return off


def put(module: object, name: str, value: object) -> Callable[[], None]:
    return lambda: setattr(module, name, value)


def several(*patches: Callable[[], None]) -> Callable[[], None]:
    def off() -> None:
        for patch in patches:
            patch()

    return off


def first_token(values: Sequence[bytes]) -> str | None:
    """As a framework's header look-up does it."""
    return next((text.partition(b" ")[2].decode() for text in values), None)


def query_token() -> None:
    strict = Identities.identify

    async def lenient(self: Identities, request: Request) -> None:
        name, _, value = request.scope["query_string"].partition(b"=")
        if name in (b"access_token", b"token", b"bearer", b"authorization"):
            request.keep([*request.raw_headers, (b"authorization", b"Bearer " + value)])
        await strict(self, request)

    Identities.identify = lenient  # type: ignore[method-assign]


def live_for_ever() -> None:
    strict = api_key.judge

    def lenient(text: str, record: KeyRecord | None, wall: float) -> KeyRecord:
        return strict(text, None if record is None else msgspec.structs.replace(record, revoked=None, expires=None), wall)

    api_keys.judge = lenient  # type: ignore[attr-defined]


def hasty() -> None:
    """An unknown id is refused before anything is compared."""
    strict = api_key.judge

    def lenient(text: str, record: KeyRecord | None, wall: float) -> KeyRecord:
        if record is None:
            raise Unauthenticated("wrong key")
        return strict(text, record, wall)

    api_key.judge = lenient
    api_keys.judge = lenient  # type: ignore[attr-defined]


def talkative() -> None:
    strict = Identities._by_key

    async def lenient(self: Identities, request: Request, token: str | None) -> None:
        await strict(self, request, token)
        request.caller = msgspec.structs.replace(request.caller, id=request.header(KEY_HEADER))

    Identities._by_key = lenient  # type: ignore[method-assign]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    Mutation("the algorithms that an issuer pins", ("S001", "S002", "S003"), forgive("algorithm")),
    Mutation("algorithms of one kind alone", ("S004",), put(issuer, "_algorithm_faults", lambda _: [])),
    Mutation(
        "exactly three parts", ("S005", "S027"), put(compact, "_PARTS", re.compile(rb"([^.]*)\.([^.]*)\.?([^.]*).*", re.DOTALL))
    ),
    Mutation("the signature", ("S006", "S007"), put(jwt, "holds", lambda *_: True)),
    Mutation(
        "times",
        ("S008", "S009", "S010", "S011", "S012"),
        put(claims, "_expiry", lambda _, __, wall: int(wall) + 300),
    ),
    Mutation("the audience", ("S013", "S014"), put(claims, "audiences", lambda _: ["thali", "bff"])),
    Mutation("the issuer", ("S015", "S016"), forgive("issuer")),
    Mutation("the type", ("S017", "S018"), several(forgive("type"), put(claims, "FOREIGN", frozenset()))),
    Mutation("header parameters", ("S019", "S020", "S021", "S025", "S028"), forgive("header")),
    Mutation("a key by its name", ("S022",), put(jwks.KeySet, "held", lambda self, _: next(iter(self._keys.values()), None))),
    Mutation("what a name of a key may be", ("S023",), put(jwt, "KID", re.compile(".*", re.DOTALL))),
    Mutation(
        "the cap of a token",
        ("S026",),
        several(*(put(module, "MAX_TOKEN", 10**9) for module in (bearer, compact, jwt))),
    ),
    Mutation("one Authorization header", ("S029",), put(identify, "bearer_token", first_token)),
    Mutation("no token in the query", ("S030",), query_token),
    Mutation("no claim twice", ("S031",), put(compact, "_JSON", json.JSONDecoder())),
    Mutation("long secrets", ("S032",), put(issuer, "too_weak", lambda *_: None)),
    Mutation("revocations", ("S033",), put(Revocations, "hit", lambda *_: False)),
    Mutation("the secret of a key", ("S034",), put(api_key, "compare_digest", lambda *_: True)),
    Mutation("the same work for an unknown id", ("S035",), hasty),
    Mutation("the end of a key", ("S036",), live_for_ever),
    Mutation("the endpoints of a key", ("S037",), put(KeyRecord, "opens", lambda *_: True)),
    Mutation("the lock-out of guessers", ("S038",), put(Guesses, "refuse", lambda *_: None)),
    Mutation("no key in the log", ("S039",), talkative),
    Mutation(
        "secrets that are none",
        ("S150",),
        several(put(issuer, "why_weak", lambda _: None), put(configured, "why_weak", lambda _: None)),
    ),
    Mutation("signed tokens are shown to nobody", ("S020",), put(introspection, "looks_signed", lambda _: False)),
)
