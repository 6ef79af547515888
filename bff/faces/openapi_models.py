"""The documents that every screen shares, as clients get them: what `meta` holds, and a problem (RFC 9457).

They are written by bff/composition/render.py and bff/faces/problems.py; here they are declared, and a test holds the
answers of a whole corpus against them.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bff.composition.outcome import Status
from bff.naming import camel


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=camel)


class Outcome(_Document):
    """How one section (or one attribute of its items) was had. What is not known is absent."""

    status: Annotated[
        Status,
        Field(
            description="what the client holds: `fallback` when a stand-in value is shown; `timeout`, `unavailable`, "
            "`shed`, `missing` or `forbidden` when there is nothing to show; `cached` and `stale` say how old it may be"
        ),
    ]
    reason: Annotated[str, Field(description="why, as a short stable word, such as `timeout`, `busy` or `needs viewer`")] = ""
    service: Annotated[str, Field(description="the backend to blame, when there is no doubt which one")] = ""
    age: Annotated[float, Field(description="seconds since the value was fetched")] = 0.0
    retry_after: Annotated[float, Field(description="seconds after which asking again makes sense")] = 0.0


class Meta(_Document):
    """What the answer says about itself."""

    complete: Annotated[bool, Field(description="whether every section shown is plainly what its backend gave")]
    sections: Annotated[
        dict[str, Outcome],
        Field(description="the sections that are not plainly ok, and attributes of their items as `section.attribute`"),
    ]


class InputFault(_Document):
    """One fault of one input."""

    name: Annotated[str, Field(description="the input, as the client named it")]
    detail: str


class Problem(_Document):
    """Why there is no screen, or why an action was not done (RFC 9457). `type` is a page that says what to do."""

    type: Annotated[str, Field(description="a path on this host, `/problems/{kind}`")]
    title: str
    status: int
    detail: str = ""
    request_id: Annotated[str, Field(description="what to tell the operators")]
    trace_id: Annotated[str, Field(description="the trace that the request was part of, at every backend too (W3C)")] = ""
    errors: Annotated[list[InputFault], Field(description="422: every input that does not fit")] = []
    violated_policies: Annotated[
        list[str], Field(alias="violated-policies", description="429: the limits that were reached, by their names")
    ] = []
    section: Annotated[str, Field(description="the section that the screen cannot live without, and that failed")] = ""
    reason: Annotated[str, Field(description="why that section or step failed, as in `meta`")] = ""
    service: Annotated[str, Field(description="the backend to blame for that section or step")] = ""
    step: Annotated[str, Field(description="the step of an action that failed")] = ""
    undone: Annotated[list[str], Field(description="the steps of an action that had been done, and were undone")] = []
    left: Annotated[list[str], Field(description="502: the steps that were done and could not be undone")] = []
    age: Annotated[float, Field(description="as in `meta`")] = 0.0
    retry_after: Annotated[float, Field(description="seconds after which asking again makes sense; also `Retry-After`")] = 0.0


SHARED: tuple[type[BaseModel], ...] = (Outcome, Meta, InputFault, Problem)
