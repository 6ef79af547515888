"""Rights, limits, and what we say of ourselves, each gone."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from bff.faces.answer import Answer
from bff.faces.problems import Problem
from bff.upstream import batching
from tests.security.defence import Around, Defence, always, nothing


def _as_it_is(value: str | None) -> str:
    """What a client wrote, between quotes and no more."""
    return "null" if value is None else f'"{value}"'


def _by_request(real: Callable[..., Any]) -> Callable[..., Any]:
    """A line that tells what it should not."""

    def line(request: Any, *given: Any) -> str:
        said = orjson.dumps(f"{request.scope['query_string']} {request.raw_headers} {request.scope['path']}").decode()
        return f'{real(request, *given)[:-1]},"headers":{said}}}'

    return line


def _once(real: Callable[..., Any]) -> Callable[..., Any]:
    """An operation charged once for whatever stands in it."""

    def charge(self: Any, request: Any, targets: Mapping[str, int] | None = None) -> Any:
        return real(self, request, None if targets is None else dict.fromkeys(targets, 1))

    return charge


def _one_loader_for_all(_: object) -> Callable[..., Any]:
    kept: dict[object, Any] = {}

    def loader(self: Any, args: Any, kwargs: Any) -> Any:
        batched, owner = self._batched, self._owner
        identity = (batched, args, tuple(sorted(kwargs.items())))
        if identity not in kept:
            kept[identity] = batching._Loader(batched, owner, args, kwargs)
        return kept[identity]

    return loader


def _taking_all(real: Mapping[str, object]) -> dict[str, object]:
    return {**real, "extra": "ignore"}


def _unheard(real: Callable[..., Any]) -> Callable[..., Any]:
    """A refusal that does not say when to come back."""

    def refusal(*given: Any) -> Any:
        problem = real(*given)
        problem.headers[:] = [pair for pair in problem.headers if pair[0] != b"retry-after"]
        return problem

    return refusal


class _Page:
    """What an admin page would be on the public port."""

    name, app, owner, template, account, priority = "admin", "", "", "/", None, "normal"
    methods, counted, guests = ("GET", "POST"), False, True
    scopes: frozenset[str] = frozenset()
    identities = frozenset({"bearer"})

    async def answer(self, _: object) -> Any:
        return Answer(200, b"{}")


def _with_pages(real: Callable[..., None]) -> Callable[..., None]:
    def match(self: Any, request: Any) -> None:
        try:
            real(self, request)
        except Problem as problem:
            if problem.kind != "not-found":
                raise
            request.endpoint = _Page()

    return match


INSIDE: Final[tuple[Defence, ...]] = (
    Defence("a service's own look at who asks", ("S110",), {"backends.asker:Asker.may": always(True)}),
    Defence(
        "no member but the known",
        ("S111",),
        {
            "bff.composition.action_inputs:STRICT": Around(_taking_all),
            "bff.composition.action_models:STRICT": Around(_taking_all),
        },
    ),
    Defence("the scopes of a section", ("S112",), {"bff.caller:Caller.has": always(True)}),
    Defence("rights at the door", ("S113",), {"bff.gateway.stack:authorize": nothing}),
    Defence("the inventory", ("S114",), {"bff.commands.check:unowned": always(())}),
    Defence("what is no more says so", ("S114",), {"bff.gateway.retired:Retired.refuse": nothing}),
    Defence(
        "an account's one share",
        ("S115",),
        {"bff.gateway.quota_keys:_account": lambda request, _: ("address", request.address)},
    ),
    Defence("what an operation costs", ("S144",), {"bff.gateway.quota:Quota.charge": Around(_once)}),
    Defence(
        "one share by whatever spelling",
        ("S152",),
        {"bff.gateway.quota_keys:normal": lambda name: name, "bff.gateway.quota_keys:network_of": lambda address: address},
    ),
    Defence("when to come back", ("S153",), {"bff.gateway.quota:refusal": Around(_unheard)}),
    Defence("loaders of one request", ("S143",), {"bff.upstream.batching:BoundBatch._loader": Around(_one_loader_for_all)}),
    Defence("no page of ours on the public port", ("S145",), {"bff.gateway.match:Routes.match": Around(_with_pages)}),
    Defence("the headers of every answer", ("S147",), {"bff.gateway.write:security_headers": lambda *_: []}),
    Defence("the encoder of the log", ("S148",), {"bff.gateway.access_line:_text": _as_it_is}),
    Defence("the allow-list of the log", ("S149",), {"bff.gateway.ended:access_line": Around(_by_request)}),
)
