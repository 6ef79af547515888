"""What runs in a task of its own, and all that is known of it before: its function, and where what it takes comes from."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from bff.composition.section import Section
from bff.composition.signature import Kind, Parameter
from bff.upstream.client import Client


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A section, a fallback or a field, as it is run; made once, when a screen is planned."""

    key: str  # how waterfalls and traces name it
    function: Callable[..., Awaitable[Any]]  # Any: functions of all types stand side by side
    services: tuple[str, ...]  # one of them is to blame when it fails
    clients: tuple[tuple[str, type[Client]], ...]  # parameter -> what it gets
    others: tuple[tuple[str, Kind, int], ...]  # parameter, what fills it and, for a need, the step whose value it gets

    @classmethod
    def of(
        cls,
        key: str,
        function: Callable[..., Awaitable[Any]],
        services: tuple[str, ...],
        parameters: Iterable[Parameter],
        index_of: Mapping[Section[..., Any], int],
    ) -> "Job":
        clients: list[tuple[str, type[Client]]] = []
        others: list[tuple[str, Kind, int]] = []
        for parameter in parameters:
            if parameter.kind == "client":
                clients.append((parameter.name, cast("type[Client]", parameter.annotation)))
            else:
                step = -1 if parameter.section is None else index_of[parameter.section]
                others.append((parameter.name, parameter.kind, step))
        return cls(key, function, services, tuple(clients), tuple(others))
