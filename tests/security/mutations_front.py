"""What stands at the door: other sites, headers in our names, framing, hosts, methods and paths, each gone."""

import re
from collections.abc import Callable
from typing import Any, Final

from bff.faces.problems import Problem
from bff.gateway.header_rules import READ, Rule
from bff.observe.traceparent import Parent
from tests.security.defence import Around, Defence, Whatever, always, nothing


def _read_alone(name: bytes) -> object:
    """A rule for what is looked at, none for what only our side may say."""
    return READ.get(name, Rule.PASS)


def _leftmost(_: object, hops: bytes, peer: str) -> str:
    """The hop that everybody believes in who has not thought about it."""
    return hops.split(b",")[0].strip().decode("latin-1") or peer


def _trusting(real: Callable[..., None]) -> Callable[..., None]:
    def begin(self: Any, *given: Any) -> None:  # Any: Proxies and whatever it is made of
        real(self, *given)
        self.any = True

    return begin


def _believed(text: str | None) -> object:
    """A traceparent of which whatever is there is taken."""
    _, trace, span, *_ = f"{text}---".split("-")
    return None if text is None else Parent(trace.rjust(32, "0")[:32], span.rjust(16, "0")[:16], True)


def _but(kept: str) -> Around:
    """The check without the refusal that says this."""

    def forgiving(real: Callable[..., object]) -> Callable[..., object]:
        def check(*given: object, **named: object) -> object:
            try:
                return real(*given, **named)
            except Problem as problem:
                if kept not in str(problem.detail):
                    raise
                return False

        return check

    return Around(forgiving)


def _kind_path(real: Callable[[Any], str]) -> Callable[[Any], str]:
    """A path as a kind server reads it."""
    return lambda request: re.sub("//+", "/", real(request).replace("%68", "h").lower()).rstrip("/")


_LONG: Final = 10.0  # seconds; longer than a test allows, and the test that waits for the end has one
_LARGE: Final = 1 << 40

FRONT: Final[tuple[Defence, ...]] = (
    Defence("the header that no form can send", ("S056",), {"bff.gateway.cors:_check_change": nothing}),
    Defence(
        "an origin by its exact text",
        ("S058",),
        {"bff.gateway.cors:_Rule.of": lambda rule, _: next(iter(rule.allowed.values()), rule.anyone)},
    ),
    Defence("no wildcard with credentials", ("S059",), {"bff.gateway.cors:_faults": always(())}),
    Defence("the look at other sites", ("S061",), {"bff.gateway.cors:_from_here": always(True)}),
    Defence(
        "what only our side may say",
        ("S062", "S063", "S064", "S065", "S069", "S070", "S074"),
        {"bff.gateway.guard:rule_of": _read_alone},
    ),
    Defence(
        "what Connection may not take away",
        ("S066",),
        {"bff.gateway.guard:PLAIN": frozenset(), "bff.gateway.guard:READ": {}},
    ),
    Defence("the right-most hop that is not ours", ("S067",), {"bff.gateway.address:Proxies._client": _leftmost}),
    Defence(
        "only our own proxies are believed",
        ("S067", "S068"),
        {
            "bff.gateway.address:Proxies.__init__": Around(_trusting),
            "bff.gateway.address:Proxies._look": always(True),
            "bff.gateway.address:Proxies.trusts": always(True),
        },
    ),
    Defence(
        "a trace read strictly",
        ("S071",),
        {"bff.observe.traceparent:read": _believed, "bff.observe.traceparent:read_state": lambda text: text or ""},
    ),
    Defence("a request id that is a plain word", ("S072",), {"bff.gateway.context:_ID": re.compile(".*", re.DOTALL)}),
    Defence(
        "one framing of a body",
        ("S075", "S076", "S077"),
        {"bff.gateway.guard:Guard._check_headers": _but("told more than once")},
    ),
    Defence("a length of digits, within the limit", ("S078",), {"bff.gateway.guard:_check_length": nothing}),
    Defence("chunked alone, in HTTP/1.1", ("S080", "S081", "S084", "S091"), {"bff.gateway.guard:_check_coding": nothing}),
    Defence("our own names", ("S085", "S086"), {"bff.gateway.host:Hosts._verdict": always("ours")}),
    Defence("the methods that there are", ("S087",), {"bff.gateway.match:METHODS": Whatever()}),
    Defence(
        "a refused body's connection is closed", ("S088",), {"bff.gateway.guard:_CLOSE": [], "bff.gateway.body:_CLOSE": []}
    ),
    Defence(
        "the measure of a head", ("S089",), {"bff.gateway.guard:MOST_HEADERS": _LARGE, "bff.gateway.guard:LARGEST_HEAD": _LARGE}
    ),
    Defence(
        "the pace of a body",
        ("S090",),
        {"bff.gateway.body:BODY_GRACE": _LONG, "bff.gateway.body:BODY_TIMEOUT": _LONG},
    ),
    Defence(
        "the one meaning of a path",
        ("S093", "S094", "S095", "S096", "S097"),
        {"bff.gateway.guard:_is_ambiguous": always(False)},
    ),
    Defence("a path as it was sent", ("S098",), {"bff.gateway.match:_path": Around(_kind_path)}),
)
