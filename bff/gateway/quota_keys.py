"""Whose share a request uses: what the parts of a policy's `by` are for it. What it does not have is counted by address."""

import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain

from bff.faces.problems import Problem
from bff.gateway.address import network_of
from bff.gateway.body import read_body
from bff.gateway.request import Request
from bff.limit_settings import By
from bff.state.store import key_of

# Bytes of a body that names an account: it is short, and looking into a larger one would cost more than the limit saves.
MOST_READ = 16 * 1024
# Who asks is about to ask again, and an address read or a key hashed is 2 us; what is kept has 16 MB if every name is as
# long as it can be, and 200 KB as they are.
_KEPT = 1024

Parts = tuple[str, ...]
# What a request, and the account that its body names, is counted by.
Share = Callable[[Request, str | None], Parts]


def share_of(by: Sequence[By]) -> Share:
    """The share of a policy that counts by these; found once, for it is asked for with every request."""
    parts = [_account if one == "account" else _PARTS[one] for one in by]
    if len(parts) == 1:
        return parts[0]
    return lambda request, account: tuple(chain.from_iterable(part(request, account) for part in parts))


@lru_cache(maxsize=_KEPT)
def key(parts: Parts) -> str:
    """The key of a share; hashed, and equal for equal shares only."""
    return key_of("limit", *parts)


def _address(request: Request, _: str | None = None) -> Parts:
    return "address", network_of(request.address)


def _caller(request: Request, _: str | None) -> Parts:
    caller = request.caller
    return _address(request) if caller.id is None else ("caller", caller.tenant or "", caller.id)


def _key(request: Request, _: str | None) -> Parts:
    key = request.caller.key
    return _address(request) if key is None else ("key", key)


def _tenant(request: Request, _: str | None) -> Parts:
    tenant = request.caller.tenant
    return _address(request) if tenant is None else ("tenant", tenant)


def _app(request: Request, _: str | None) -> Parts:
    return "app", "" if request.endpoint is None else request.endpoint.app


def _account(request: Request, account: str | None) -> Parts:
    return _address(request) if account is None else ("account", account)


def _everyone(_: Request, __: str | None) -> Parts:
    return ("everyone",)


_PARTS: dict[By, Share] = {
    "address": _address,
    "caller": _caller,
    "key": _key,
    "tenant": _tenant,
    "app": _app,
    "everyone": _everyone,
}


async def account_of(request: Request, member: str, max_body: int) -> str | None:
    """The account that the body names, in the one form in which all spellings of it are equal; None if it names none.

    Raises the 400 problem if it names two, and for a body that is no JSON object to us, and the 413 one for a body that is
    too large to be looked into: the backend could read an account where we do not, and nobody would have counted it.
    """
    body = await read_body(request, min(max_body, MOST_READ))
    if not body:
        return None
    try:
        document = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, _Pairs):
        raise Problem("bad-request", f"the body must be a JSON object whose member '{member}' names the account")
    # Some backends take members by any case (Go's encoding/json does).
    wanted = member.casefold()
    named = [value for name, value in document if name.casefold() == wanted]
    if len(named) > 1:
        raise Problem("bad-request", f"the body has more than one member '{member}'")
    if not named or isinstance(named[0], bool) or not isinstance(named[0], str | int):
        return None
    return normal(str(named[0]))


class _Pairs(list[tuple[str, object]]):
    """An object's members as they stand, so that one that stands twice is seen; an array stays a plain list."""


def normal(name: str) -> str | None:
    """A name without what does not make it another one: width, case, invisible characters, space and dots around (S152)."""
    seen = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    visible = "".join(char for char in seen if unicodedata.category(char) not in ("Cf", "Cc"))
    return visible.strip().rstrip(". \t") or None
