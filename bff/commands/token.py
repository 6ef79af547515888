"""`bff token`: a bearer token from the issuer's token route, for trying things."""

from typing import Annotated

import httpx
import typer

from bff import settings as settings_module
from bff.errors import Refusal

# A person waits for it; an issuer that takes longer is down.
_TIMEOUT = 5.0


def token(
    user: Annotated[str, typer.Option(help="the user's id")],
    scope: Annotated[list[str] | None, typer.Option(help="a scope to ask for (may be given again; default: all)")] = None,
    issuer: Annotated[str | None, typer.Option(help="the issuer's name in bff.toml")] = None,
) -> None:
    """Print a token: `curl -H "Authorization: Bearer $(bff token --user 7)" ...`."""
    print(token_for(user, scope, issuer))


def token_for(user: str, scopes: list[str] | None = None, issuer: str | None = None) -> str:
    """A token of the first issuer that has a `token_url`, or of the one named."""
    issuers = settings_module.load().issuers
    found = next((it for name, it in issuers.items() if it.token_url and issuer in (None, name)), None)
    if found is None or found.token_url is None:
        raise Refusal(["no issuer in bff.toml has a token_url; add it to [issuers.NAME]"])
    asked: dict[str, object] = {"user_id": user}
    if scopes is not None:
        asked["scopes"] = scopes
    try:
        answer = httpx.post(found.token_url, json=asked, timeout=_TIMEOUT, trust_env=False)
    except httpx.TransportError as error:
        raise Refusal([f"{found.token_url}: {error}; is the issuer running? (`bff demo` starts it)"]) from None
    if answer.status_code != httpx.codes.OK:
        raise Refusal([f"{found.token_url}: status {answer.status_code}: {answer.text[:200]}"])
    return str(answer.json()["access_token"])
