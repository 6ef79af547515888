"""`bff keys`: API keys for partners' programs. Only their hashes are kept; a key is shown once, when it is made."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import msgspec
import typer

from bff import settings as settings_module
from bff.commands.console import errors, escape, out
from bff.errors import Refusal
from bff.identity.api_key import MOST_SECRETS, KeyRecord, Secret, digest_of, is_endpoints, new_key
from bff.identity.configured import key_home_of
from bff.identity.key_home import KeyHome, KeysUnreadable
from bff.state.open import state_of

app = typer.Typer(no_args_is_help=True, help=__doc__)

_DAY: Final = 86400
# Hours that the old secret of a rotated key is good: time to bring the new one everywhere, within a working day.
_OVERLAP: Final = 24.0
# Both secrets open the same doors meanwhile: a month is a change's way through the slowest partner; longer is no rotation.
_MOST_OVERLAP: Final = 30 * 24.0
# Ten years. For longer is without an end, which is to be had by leaving --days out, and told so in the list.
_MOST_DAYS: Final = 3650

_Done = TypeVar("_Done")
KeyId = Annotated[str, typer.Argument(help="the key's id, as `bff keys list` shows it", metavar="ID")]


@app.command("new")
def new(
    to: Annotated[
        list[str] | None, typer.Option(help="what it opens: app/*, app/screen or routes/name (again for more)")
    ] = None,
    app_name: Annotated[list[str] | None, typer.Option("--app", help="the same as --to APP/*")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="a scope its caller holds (again for more)")] = None,
    note: Annotated[str, typer.Option(help="whose it is, and whom to call about it")] = "",
    tenant: Annotated[str | None, typer.Option(help="the tenant that its caller belongs to")] = None,
    days: Annotated[int | None, typer.Option(help="days until it ends; none: when it is revoked")] = None,
) -> None:
    """Make a key and print it, this once: the partner sends it as the header X-API-Key."""
    patterns = (*(to or ()), *(f"{name}/*" for name in app_name or ()))
    if not patterns:
        raise Refusal(["a key opens nothing by itself: say --app NAME, or --to routes/NAME"])
    if strange := [pattern for pattern in patterns if not is_endpoints(pattern)]:
        raise Refusal([f"--to {pattern}: write app/*, app/screen or routes/name" for pattern in strange])
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise Refusal([f"--days {days}: give 1 to {_MOST_DAYS}, or leave it out for a key that ends when it is revoked"])
    now = int(time.time())
    key, key_id = new_key()
    record = KeyRecord(
        id=key_id,
        to=patterns,
        secrets=(Secret(digest_of(key)),),
        created=now,
        scopes=tuple(scope or ()),
        tenant=tenant,
        note=note,
        expires=None if days is None else now + days * _DAY,
    )
    _run(lambda home: home.put(record, None))
    _show(key, f"key {key_id} opens {' '.join(patterns)}; it is not shown again")


@app.command("list")
def list_() -> None:
    """All keys: what they open, and whether they still do. Of a secret nothing is shown; nothing of it is kept."""
    now = time.time()
    for record in sorted(_run(lambda home: home.all()), key=lambda record: record.created):
        words = [record.id, f"{state_of_key(record, now)};", "opens", *record.to]
        words += ["with", *record.scopes] if record.scopes else []
        words += ["for tenant", record.tenant] if record.tenant is not None else []
        note = f": {record.note}" if record.note else ""
        # a line for each, however long: it is read by grep as well
        out.print(escape(f"{' '.join(words)}; made {_day(record.created)}{note}"), highlight=False, soft_wrap=True)


@app.command("revoke")
def revoke(key_id: KeyId) -> None:
    """End a key. Every instance refuses it within [api_keys] ttl seconds (10)."""
    record = _found(key_id)
    if record.revoked is None:
        _run(lambda home: home.put(msgspec.structs.replace(record, revoked=int(time.time())), record))
    errors.print(f"key {key_id} is revoked")


@app.command("rotate")
def rotate(
    key_id: KeyId, overlap: Annotated[float, typer.Option(help="hours that the old secret stays good")] = _OVERLAP
) -> None:
    """Give a key a new secret and print it; the old one is good for --overlap hours more."""
    if not 0 <= overlap <= _MOST_OVERLAP:
        raise Refusal([f"--overlap {overlap:g}: give 0 to {_MOST_OVERLAP:g} hours: both secrets open the same doors meanwhile"])
    record, now = _found(key_id), int(time.time())
    if record.revoked is not None or (record.expires is not None and record.expires <= now):
        raise Refusal([f"key {key_id} has ended: make a new one with `bff keys new`"])
    until = now + int(overlap * 3600)
    live = [secret for secret in record.secrets if secret.until is None or secret.until > now]
    if overlap == 0:
        live = []
    if len(live) >= MOST_SECRETS:
        raise Refusal(
            [f"key {key_id} has {MOST_SECRETS} secrets already: wait until {_moment(live[-1].until)}, or --overlap 0"]
        )
    key, _ = new_key(key_id)
    ending = tuple(msgspec.structs.replace(secret, until=until) for secret in live)
    _run(lambda home: home.put(msgspec.structs.replace(record, secrets=(Secret(digest_of(key)), *ending)), record))
    _show(
        key,
        f"key {key_id} has a new secret, not shown again; the old one " + (f"ends {_moment(until)}" if live else "has ended"),
    )


def state_of_key(record: KeyRecord, now: float) -> str:
    """In words, for people."""
    if record.revoked is not None:
        return f"revoked {_day(record.revoked)}"
    if record.expires is not None and record.expires <= now:
        return f"expired {_day(record.expires)}"
    rotating = next((secret.until for secret in record.secrets if secret.until is not None and secret.until > now), None)
    if rotating is not None:
        return f"rotating until {_moment(rotating)}"
    return "active" if record.expires is None else f"active until {_day(record.expires)}"


def _found(key_id: str) -> KeyRecord:
    record = _run(lambda home: home.find(key_id))
    if record is None:
        raise Refusal([f"there is no key {key_id}; `bff keys list` shows all there are"])
    return record


def _run(work: Callable[[KeyHome], Awaitable[_Done]]) -> _Done:
    return asyncio.run(_with_home(work))


async def _with_home(work: Callable[[KeyHome], Awaitable[_Done]]) -> _Done:
    settings = settings_module.load()
    store = state_of(settings.state)
    home = key_home_of(settings.api_keys, store)
    if home is None:
        raise Refusal(["there is no place for keys: set file under [api_keys] in bff.toml, or url under [state]"])
    await store.start()
    try:
        return await work(home)
    except KeysUnreadable as fault:
        raise Refusal([str(fault)]) from None
    finally:
        await store.close()


def _show(key: str, told: str) -> None:
    """The key alone on standard output, so that it can go where it must without passing anybody's eyes."""
    errors.print(escape(told), highlight=False, soft_wrap=True)
    print(key)


def _day(seconds: int) -> str:
    return _moment(seconds).partition("T")[0]


def _moment(seconds: int | None) -> str:
    if seconds is None:
        return "its end"
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes")
    except (OverflowError, ValueError, OSError):
        return "a time that no calendar has"  # a record may be anybody's; the others are to be listed all the same
