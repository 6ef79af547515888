"""Who asks, told to the services inside (design.md 2.10): a signed token for one service alone, or plain headers.

    [services.orders]
    identity = "token"        # X-Internal-Identity: a JWT that only `orders` takes
    [services.legacy]
    identity = "headers"      # X-User-Id, X-User-Scopes ...: for a network that nobody else is on

A token says who (`sub`; none for a guest, or when the gateway asks for all), through which app (`azp`), with which
rights (`scope`), of which tenant, and that the gateway acts for them (`act`, RFC 8693 section 4.1). What a caller sent
themselves, a token or a header, never goes on.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal
from urllib.parse import quote
from uuid import uuid4

import orjson

from bff.caller import GUEST, Caller
from bff.errors import Refusal
from bff.identity.inside_keys import InsideKeys, unpadded
from bff.inside import ALGORITHM, HEADER, TYP
from bff.settings import Settings
from bff.upstream.call import Headers

Form = Literal["none", "token", "headers"]
Tell = Callable[[str], Headers]  # a service's name -> what it is told

# Signed tokens kept, a caller and a service each: some 1 KB, so 8 MB a worker. Signing is 50 to 60 us, so a screen of five
# services would pay a third of its CPU for it without.
KEPT: Final = 8_192

# What stands for itself in a header of its own: visible ASCII but the percent sign, and no comma or space, which separate.
_PLAIN: Final = "!#$&'()*+/:;<=>?@[]^`{|}~"

NO_KEY: Final = (
    "inside.key_file: a service has identity = 'token', and there is no key to sign with; "
    "name a file (.cache/inside.pem), it is made at the first start"
)

_Key = tuple[str, str | None, str, frozenset[str], str | None, str | None]


class Inside:
    """What each service is told of a caller; `forms` by the services' names.

    `of(caller)` and `nobody` give what a call to a service carries, () for a service that is told nothing.
    """

    def __init__(
        self,
        keys: InsideKeys | None,
        forms: Mapping[str, Form],
        *,
        issuer: str = "thali",
        lifetime: float = 60.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if keys is None and "token" in forms.values():
            raise ValueError("tokens need a key to be signed with")
        self.document = keys.document if keys is not None else None
        self._keys, self._issuer, self._lifetime, self._wall = keys, issuer, lifetime, wall
        self._forms = {name: form for name, form in forms.items() if form != "none"}
        self._head = "" if keys is None else unpadded(orjson.dumps({"alg": ALGORITHM, "typ": TYP, "kid": keys.kid}))
        self._kept: dict[_Key, tuple[float, float, Headers]] = {}  # used from, and until (seconds since 1970)

    @classmethod
    def of_settings(cls, settings: Settings) -> "Inside | None":
        """None when no service is told anything. Raises Refusal for a key that cannot be used."""
        forms: dict[str, Form] = {name: service.identity for name, service in settings.services.items()}
        inside = settings.inside
        if inside.key_file is not None:
            keys = InsideKeys.at(inside.key_file, inside.published)
        elif set(forms.values()) == {"none"} or not forms:
            return None
        elif "token" in forms.values():
            raise Refusal([NO_KEY])
        else:
            keys = None
        return cls(keys, forms, issuer=inside.issuer, lifetime=inside.lifetime)

    def of(self, caller: Caller) -> Tell | None:
        """What services are told of this caller; None when none is told anything."""
        return partial(self._told, caller) if self._forms else None

    def nobody(self, service: str) -> Headers:
        """What a service is told when the gateway asks for several callers at once: that it is the gateway."""
        return self._told(GUEST, service)

    def _told(self, caller: Caller, service: str) -> Headers:
        form = self._forms.get(service)
        if form is None:
            return ()
        # By what is said, never by the object: ids of objects come again when they are freed.
        key = (service, caller.id, caller.app, caller.scopes, caller.tenant, caller.key)
        kept = self._kept.get(key)
        now = self._wall()
        if kept is not None and kept[0] <= now < kept[1]:
            return kept[2]
        # A token is used for half its time: whoever gets it has the other half to check it in, clocks being as they are.
        until = now + self._lifetime / 2
        headers = plain(caller) if form == "headers" else ((HEADER, self._token(key, int(now))),)
        self._kept.pop(key, None)
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]  # the oldest: it would be made anew soonest
        self._kept[key] = (now, until, headers)
        return headers

    def _token(self, key: _Key, now: int) -> str:
        audience, subject, app, scopes, tenant, key_id = key
        claims = {
            "iss": self._issuer,
            "aud": audience,
            "sub": subject,
            "azp": app or None,
            "act": {"sub": self._issuer},
            "scope": " ".join(sorted(filter(_is_word, scopes))) or None,
            "tenant": tenant,
            "key": key_id,
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + int(self._lifetime),
        }
        told = {name: value for name, value in claims.items() if value is not None}
        signed = f"{self._head}.{unpadded(orjson.dumps(told))}"
        assert self._keys is not None  # seen to when it was made
        return f"{signed}.{unpadded(self._keys.sign(signed.encode()))}"


def _is_word(scope: str) -> bool:
    """RFC 6749 section 3.3. A role "Domain Admins" would come out as two rights, so it does not go on."""
    return scope.isascii() and scope.isprintable() and " " not in scope


def plain(caller: Caller) -> Headers:
    """The caller in plain headers; a value that is no visible ASCII is percent-encoded, so it stays one value."""
    told = (
        ("x-user-id", caller.id),
        ("x-user-app", caller.app or None),
        ("x-user-tenant", caller.tenant),
        ("x-user-key", caller.key),
    )
    headers = tuple((name, quote(value, _PLAIN)) for name, value in told if value is not None)
    if not caller.scopes:
        return headers
    return (*headers, ("x-user-scopes", " ".join(quote(scope, _PLAIN) for scope in sorted(caller.scopes))))
