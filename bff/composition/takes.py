"""What a function takes, sorted by where its values come from: giving them is a look-up each, and nothing is asked twice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from bff.composition.section import Section
from bff.composition.signature import Kind, Parameter
from bff.upstream.client import Client


@dataclass(frozen=True, slots=True)
class Takes:
    """The parameters of a section, a fallback or a field, by name; made once, when a screen is planned."""

    needs: tuple[tuple[str, int], ...]  # name -> the step whose value it gets
    clients: tuple[tuple[str, type[Client]], ...]
    inputs: tuple[str, ...]
    caller: tuple[str, ...]
    deadline: tuple[str, ...]
    items: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Iterable[Parameter], index_of: Mapping[Section[..., Any], int]) -> "Takes":
        parameters = tuple(parameters)

        def named(kind: Kind) -> tuple[str, ...]:
            return tuple(parameter.name for parameter in parameters if parameter.kind == kind)

        return cls(
            needs=tuple((p.name, index_of[p.section]) for p in parameters if p.kind == "need" and p.section is not None),
            clients=tuple((p.name, cast("type[Client]", p.annotation)) for p in parameters if p.kind == "client"),
            inputs=named("input"),
            caller=named("caller"),
            deadline=named("deadline"),
            items=named("items"),
        )
