"""What the document says of one screen, so that a frontend developer sees what can be missing, and when."""

from collections.abc import Iterable, Iterator
from typing import Any

from bff.apps import App
from bff.composition.budget import ANSWER_RESERVE, time_for
from bff.composition.fill import Fill
from bff.composition.plan import Step
from bff.composition.section import Section
from bff.faces.openapi_schemas import PREFIX, doc_of
from bff.faces.openapi_security import asked_of, who_may
from bff.faces.openapi_statuses import RATE_LIMITS, REQUEST_ID, refusals
from bff.faces.screen import ServedScreen
from bff.naming import camel

# What each status means for a screen, besides those that the gateway has for everything.
_STATUSES: dict[int, str] = {
    400: "The query, the path or a header cannot be read.",
    403: "The caller lacks a scope that the screen or a section it cannot live without asks for.",
    404: "What the screen is about does not exist.",
    500: "A fault of ours.",
    502: "A section the screen cannot live without failed: its backend's answer was bad.",
    503: "A section the screen cannot live without failed: its backend is not reachable, or busy. Or we have too much to do.",
    504: "A section the screen cannot live without failed: its backend did not answer in time.",
}
_COME_BACK = (502, 503, 504)

_SECTIONS_HEADER = {
    "description": "The verdicts of `meta.sections` once more, as a structured field (RFC 9651); absent when the answer "
    'is complete. `"lastOrders";status=fallback;reason="timeout";service="orders"`',
    "schema": {"type": "string"},
}


class Documented:
    """One screen of one app, in the words of the document."""

    def __init__(self, app: App, served: ServedScreen) -> None:
        self.app = app
        self.screen = served.screen
        self.plan = served.plan

    @property
    def name(self) -> str:
        return f"{self.app.name}_{self.screen.name}"

    @property
    def path(self) -> str:
        """The public path, with its parameters as clients know them."""
        path = self.app.path(self.screen.path)
        for name in self.screen.parameters:
            path = path.replace(f"{{{name}}}", f"{{{camel(name)}}}")
        return path

    @property
    def envelope(self) -> str:
        """The name of the schema of the whole answer."""
        return f"{self.screen.name[:1].upper()}{self.screen.name[1:]}Answer"

    def as_fastapi(self) -> dict[str, Any]:  # Any: keyword arguments of FastAPI's decorators
        """The arguments of `app.get`."""
        return {
            "name": self.name,
            "operation_id": self.name,
            "summary": first_sentence(doc_of(self.screen.type)) or self.screen.name,
            "description": self.description(),
            "tags": [self.app.name],
            "response_model": None,
            "response_description": "The screen; `meta` says how whole it is.",
            "responses": self.responses(),
            "openapi_extra": {"security": self.security()},
        }

    def security(self) -> list[dict[str, list[str]]]:
        return asked_of(self.app, self.screen.scopes, guests=self.screen.guests)

    def responses(self) -> dict[int | str, dict[str, Any]]:
        """Every status by its number."""
        return {
            200: {
                "content": {"application/json": {"schema": {"$ref": PREFIX + self.envelope}}},
                "headers": {"BFF-Sections": _SECTIONS_HEADER, "X-Request-Id": REQUEST_ID, **RATE_LIMITS},
            },
            **refusals(_STATUSES, _COME_BACK),
        }

    def description(self) -> str:
        """The screen's docstring, its rules, and its sections one by one."""
        rows = [row for step in self.plan.steps if step.shown for row in (self._row(step), *self._fields_of(step))]
        behind = [self._behind(step) for step in self.plan.steps if not step.shown]
        who = who_may(self.screen.scopes, guests=self.screen.guests)
        parts = [
            doc_of(self.screen.type),
            f"Takes at most {time_of(self.screen.budget)}. {who} `HEAD` gives the same status and headers.",
            "| Section | When it fails | Within | Asks | Scopes |\n|---|---|---|---|---|\n" + "\n".join(rows),
            self._docs_of_sections(),
            f"Behind them, not shown: {'; '.join(behind)}." if behind else "",
        ]
        return "\n\n".join(part for part in parts if part)

    def _row(self, step: Step) -> str:
        scopes = " ".join(f"`{scope}`" for scope in sorted(step.section.scopes))
        within = time_of(self._timeout(step.section))
        return f"| `{step.key}` | {_when_it_fails(step)} | {within} | {', '.join(step.services) or '—'} | {scopes or '—'} |"

    def _fields_of(self, step: Step) -> list[str]:
        """The attributes of its items that come from other backends, each as a row of its own."""
        return [self._field_row(fill) for fill in _with_deeper(self.plan.only(None).fills.get(step.index, ()))]

    def _field_row(self, fill: Fill) -> str:
        scopes = " ".join(f"`{scope}`" for scope in sorted(fill.field.scopes))
        within = time_of(fill.field.timeout or self.screen.budget - ANSWER_RESERVE)
        return f"| `{fill.key}` | null | {within} | {', '.join(fill.services) or '—'} | {scopes or '—'} |"

    def _behind(self, step: Step) -> str:
        return f"`{step.key}` ({', '.join((time_of(self._timeout(step.section)), *step.services))})"

    def _timeout(self, section: Section[..., Any]) -> float:  # Any: sections of all types
        most = time_for(section, self.screen.budget)
        return most if section.timeout is None else min(section.timeout, most)

    def _docs_of_sections(self) -> str:
        shown = [(step.key, doc_of(step.section)) for step in self.plan.steps if step.shown]
        return "\n".join(f"- `{key}`: {_one_line(doc)}" for key, doc in shown if doc)


def _with_deeper(fills: Iterable[Fill]) -> Iterator[Fill]:
    for fill in fills:
        yield fill
        yield from _with_deeper(fill.then)


def _when_it_fails(step: Step) -> str:
    if step.section.computed is not None:
        last = "required" if step.fatal else "null" if not step.section.has_constant or step.section.nullable else "a constant"
        return f"another backend stands in, else {last}"
    if not step.section.has_constant:
        return "**required**: the screen fails"
    return "null" if step.section.nullable else "a constant stands in"


def time_of(seconds: float) -> str:
    return f"{round(seconds * 1000)} ms"


def _one_line(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def first_sentence(text: str) -> str:
    line = _one_line(text)
    return line.split(". ")[0].rstrip(".") if line else ""
