"""`bff break` and `bff heal`: make a demo backend slow, failing or absent, and watch the screens degrade and recover."""

from typing import Annotated, Any

import httpx
import typer

from bff import settings as settings_module
from bff.commands.console import out
from bff.errors import Refusal

_TIMEOUT = 5.0  # a person waits; the control port answers at once or is not there


def break_(
    service: Annotated[str, typer.Argument(help="the service's name in bff.toml")],
    hang: Annotated[bool, typer.Option("--hang", help="accept calls and never answer")] = False,
    slow: Annotated[int | None, typer.Option(metavar="MS", help="answer this many milliseconds late")] = None,
    fail: Annotated[int | None, typer.Option(metavar="STATUS", help="answer with this status")] = None,
    off: Annotated[bool, typer.Option("--off", help="refuse connections")] = False,
) -> None:
    """Break one backend of the demo."""
    asked: list[dict[str, Any]] = []
    if hang:
        asked.append({"kind": "hang"})
    if slow is not None:
        asked.append({"kind": "latency", "ms": slow})
    if fail is not None:
        asked.append({"kind": "status", "status": fail})
    if off:
        asked.append({"kind": "off"})
    if len(asked) != 1:
        raise Refusal(["say how: exactly one of --hang, --slow MS, --fail STATUS, --off"])
    _control(service, "PUT", asked[0])
    out.print(f"[yellow]{service}[/] is broken ({asked[0]['kind']}); `bff heal {service}` mends it")


def heal(service: Annotated[str | None, typer.Argument(help="the service; all when left out")] = None) -> None:
    """Mend a broken backend of the demo, or all."""
    services = settings_module.load().services
    for name in [service] if service else [name for name, found in services.items() if found.control]:
        _control(name, "DELETE", None)
    out.print(f"[green]{service or 'every service'}[/] is well")


def _control(service: str, method: str, body: dict[str, Any] | None) -> None:
    services = settings_module.load().services
    if service not in services or not services[service].control:
        there = ", ".join(name for name, found in services.items() if found.control) or "none"
        raise Refusal([f"'{service}' has no control address in bff.toml; those that have: {there}"])
    for address in services[service].control:
        try:
            answer = httpx.request(method, f"{address}/_control", json=body, timeout=_TIMEOUT, trust_env=False)
        except httpx.TransportError as error:
            raise Refusal([f"{address}: {error}; is the demo running? (`make demo`)"]) from None
        if answer.is_error:
            raise Refusal([f"{address}: status {answer.status_code}: {answer.text[:200]}"])
