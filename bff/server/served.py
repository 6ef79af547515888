"""What a worker serves: the one thing that `bff serve` asks a product for."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from starlette.types import ASGIApp


class Served(Protocol):
    """A product that is built and ready to be started, made by the factory inside the worker that will serve it.

    The worker calls, in this order: `startup` once, then both apps for as long as it serves, `drain` once, and
    `shutdown` once no request is running any more (or the grace has run out). All of it on one event loop.
    """

    @property
    def public(self) -> ASGIApp:
        """Answers the clients."""
        ...

    @property
    def admin(self) -> ASGIApp:
        """Answers operators: everything on the admin port but /livez, /readyz and /stats."""
        ...

    @property
    def in_flight(self) -> int:
        """Public requests running now, and what goes on of those whose clients have gone: it has drain and grace, too."""
        ...

    async def startup(self) -> None:
        """Get ready; until this returns nothing is accepted. A Refusal is shown as its faults, without a traceback."""
        ...

    async def shutdown(self) -> None:
        """Close what `startup` opened."""
        ...

    def drain(self) -> None:
        """From now on be not ready, and let every answer carry `Connection: close`."""
        ...


@runtime_checkable
class WithMetrics(Protocol):
    """A Served that Prometheus may scrape: the supervisor adds up its workers' pages under /metrics."""

    async def metrics(self) -> bytes | None:
        """This worker's metrics in Prometheus' text format 0.0.4; None when there shall be none."""
        ...


@runtime_checkable
class WithStats(Protocol):
    """A Served that has figures of its own for /stats."""

    def stats(self) -> Mapping[str, object]:
        """Figures that JSON can hold, by name; cheap, for it is asked every few seconds."""
        ...
