"""What holds for bodies, texts and what goes to backends and comes back from them, each gone."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from bff.faces import screen
from bff.gateway import proxy
from tests.security.defence import Around, Defence, Whatever, nothing

_LARGE: Final = 1 << 40


def _as_python_reads(body: bytes) -> Any:  # Any: JSON of any shape
    """NaN, halves of pairs, names twice, any depth."""
    return json.loads(body.decode("utf-8", "replace"))


def _lenient(real: Callable[..., Any]) -> Callable[..., Any]:
    """llhttp as lenient as it can be made."""

    def parser(protocol: object) -> Any:
        made = real(protocol)
        made.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_lf_after_cr=True,
            lenient_optional_cr_before_lf=True,
            lenient_keep_alive=True,
        )
        return made

    return parser


def _whole_whatever_size(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda request, _: real(request, _LARGE)


def _believe_budgets() -> None:
    """The client's own, however long."""
    for module in (proxy, screen):
        setattr(module, "min", lambda _, clients: clients)  # noqa: B010 - no module has such a name


BODIES: Final[tuple[Defence, ...]] = (
    Defence(
        "the media type",
        ("S057",),
        {
            "bff.faces.graphql_request:refuse_unless_json": nothing,
            "bff.gateway.action_endpoint:refuse_other_bodies": nothing,
        },
    ),
    Defence("a GET only reads", ("S060",), {"bff.faces.graphql:_refuse_writes": nothing}),
    Defence(
        "the largest body",
        ("S103", "S106", "S109"),
        {"bff.gateway.guard:_check_length": nothing, "bff.gateway.body:_whole": Around(_whole_whatever_size)},
    ),
    Defence("nothing packed is read", ("S104",), {"bff.gateway.body:_refuse_packed": nothing}),
    Defence(
        "one reading of JSON",
        ("S105", "S107"),
        {
            "bff.faces.graphql_request:read_object": _as_python_reads,
            "bff.faces.action_rest:read_object": _as_python_reads,
        },
    ),
    # 40 million steps for 50 KB: a pattern that anybody might write
    Defence("patterns of linear time", ("S108",), {"bff.gateway.context:_LANGUAGE": re.compile(r"a{0,1000}a*b")}),
    Defence("the cap of a client's own budget", ("S073",), patch=_believe_budgets),
    Defence(
        "answers read strictly",
        ("S092",),
        {
            "bff.upstream.http1_answer:HttpResponseParser": Around(_lenient),
            "bff.upstream.http1_response:HttpResponseParser": Around(_lenient),
        },
    ),
    Defence("a value in one segment", ("S099",), {"bff.upstream.target:quote": lambda text, **_: text}),
    Defence("the headers that may come back", ("S101", "S102"), {"bff.gateway.proxy:_BACK": Whatever()}),
)
