"""Each defence, how it is switched off, and the cases that must then go red.

Everywhere else a fake is passed in; a mutation is the code itself gone wrong, so here it is patched: in the tests' own
process and in every gateway that they start (inject/sitecustomize.py).
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


class Whatever(list[str]):
    """A list that has everything in it."""

    def __contains__(self, _: object) -> bool:
        return True


async def _nothing_later(*_: object, **__: object) -> None:
    """An async check that checks nothing."""


def _nothing(*_: object, **__: object) -> None:
    """A check that checks nothing."""


def _always(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def _leftmost(self: object, headers: list[tuple[bytes, bytes]], peer: str) -> str:
    """The hop that everybody believes in who has not thought about it."""
    hops = [value for name, value in headers if name == b"x-forwarded-for"]
    return hops[0].split(b",")[0].strip().decode("latin-1") if hops else peer


def _as_it_is(value: str | None) -> str:
    """What a client wrote, between quotes and no more."""
    return "null" if value is None else f'"{value}"'


@dataclass(frozen=True, slots=True)
class Defence:
    """What stands at each place (`module:name` or `module:Class.name`) instead of the defence, and the cases it is for."""

    name: str
    cases: tuple[str, ...]
    instead: Mapping[str, Any]  # Any: whatever stands there

    def off(self) -> None:
        """Take it away for the life of the process."""
        for place, value in self.instead.items():
            module, _, path = place.partition(":")
            owner = importlib.import_module(module)
            *parents, name = path.split(".")
            for parent in parents:
                owner = getattr(owner, parent)
            getattr(owner, name)  # a defence that has moved is not switched off: it must show
            setattr(owner, name, value)


def switch_off(name: str) -> None:
    """Take the named defence away, in this process."""
    next(one for one in DEFENCES if one.name == name).off()


DEFENCES: Final[tuple[Defence, ...]] = (
    Defence("the signature", ("S006", "S007"), {"bff.identity.jwt:holds": _always(True)}),
    Defence(
        "the times of a token", ("S008", "S009", "S010", "S011", "S012"), {"bff.identity.claims:_expiry": _always(1 << 40)}
    ),
    Defence("the audience", ("S013", "S014"), {"bff.identity.claims:audiences": _always(Whatever())}),
    Defence(
        "the headers that a token may not have",
        ("S019", "S020", "S021", "S025", "S028"),
        {"bff.identity.jwt:REFUSED_HEADERS": frozenset()},
    ),
    Defence(
        "the length of a token",
        ("S026",),
        {
            "bff.identity.jwt:MAX_TOKEN": 1 << 30,
            "bff.identity.bearer:MAX_TOKEN": 1 << 30,
            "bff.identity.compact:MAX_TOKEN": 1 << 30,
        },
    ),
    Defence("the lock after wrong guesses", ("S038",), {"bff.gateway.guesses:Guesses.refuse": _nothing}),
    Defence("the look at other sites", ("S056", "S061"), {"bff.gateway.cors:Cors.check": _nothing}),
    Defence("the media type", ("S057",), {"bff.faces.json_body:refuse_unless_json": _nothing}),
    Defence("what only our side may say", ("S062", "S063"), {"bff.gateway.guard:_take_away": _nothing}),
    Defence("the trusted hop", ("S067",), {"bff.gateway.address:Proxies.client": _leftmost}),
    Defence(
        "the one meaning of a path",
        ("S093", "S094", "S095", "S096", "S097"),
        {"bff.gateway.guard:_is_ambiguous": _always(False)},
    ),
    Defence("the one Host", ("S085",), {"bff.gateway.host:Hosts.verdict": _always("ours")}),
    Defence("the one length", ("S078", "S103"), {"bff.gateway.guard:_check_length": _nothing}),
    Defence(
        "what comes back from a backend",
        ("S102",),
        {"bff.gateway.proxy:_BACK": frozenset({b"set-cookie", b"server", b"via", b"x-powered-by", b"retry-after"})},
    ),
    Defence("rights", ("S113", "S029"), {"bff.gateway.stack:authorize": _nothing}),
    Defence(
        "limits",
        ("S115", "S152", "S153", "S144"),
        {"bff.gateway.quota:Quota.charge": _nothing_later, "bff.gateway.quota:Quota.at_door": _nothing},
    ),
    Defence("the headers of every answer", ("S147",), {"bff.gateway.write:security_headers": lambda *_: []}),
    Defence("the encoder of the log", ("S148",), {"bff.gateway.access_line:_text": _as_it_is}),
    Defence(
        "the look at secrets",
        ("S150",),
        {"bff.identity.weak:why_weak": _always(None), "bff.identity.issuer:why_weak": _always(None)},
    ),
)
