"""`bff serve`: the product, behind a supervisor that owns signals and workers."""

from typing import Annotated

import typer

from bff import settings as settings_module
from bff.errors import Refusal
from bff.server.leaving import leave
from bff.server.options import ServeOptions
from bff.server.supervisor import run
from bff.settings import Settings

FACTORY = "bff.gateway.build:serve_project"


def serve(
    app: Annotated[list[str] | None, typer.Option(help="serve only this app (may be given again)")] = None,
    workers: Annotated[int | None, typer.Option(help="worker processes; one a core")] = None,
) -> None:
    """Serve all apps behind one gateway; stop with SIGTERM, reload the code with SIGHUP, lose no request by either."""
    leave(run(options(settings_module.load(), tuple(app or ()), workers)))


def options(settings: Settings, apps: tuple[str, ...], workers: int | None, *, drain: float | None = None) -> ServeOptions:
    """What the supervisor is told."""
    host, port = split(settings.server.public)
    admin_host, admin_port = split(settings.server.admin)
    return ServeOptions(
        factory=FACTORY,
        apps=apps,
        host=host,
        port=port,
        admin_host=admin_host,
        admin_port=admin_port,
        workers=workers or settings.server.workers,
        drain=settings.server.drain if drain is None else drain,
        grace=settings.server.grace,
    )


def split(address: str) -> tuple[str, int]:
    """`127.0.0.1:8000` -> its host and port; raises Refusal for anything else."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Refusal([f"'{address}' is not an address; write it as host:port, e.g. 127.0.0.1:8000"])
    return host.strip("[]"), int(port)
