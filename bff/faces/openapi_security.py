"""How callers of an app prove who they are, in the words of the document."""

from typing import Any

from bff.apps import App, Identity

# By what an App calls a proof: the name of its scheme, and the scheme.
_SCHEMES: dict[Identity, tuple[str, dict[str, Any]]] = {  # Any: a part of a JSON document
    "bearer": (
        "bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "a signed token of one of the issuers that this gateway trusts",
        },
    ),
    "api_key": (
        "apiKey",
        {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "a key that the operators have issued"},
    ),
}


def schemes(app: App) -> dict[str, dict[str, Any]]:
    """The security schemes of an app's document, by their names."""
    return dict(_SCHEMES[identity] for identity in app.identities)


def asked_of(app: App, scopes: frozenset[str], *, guests: bool) -> list[dict[str, list[str]]]:
    """What an operation asks for, any one of them: guests need nothing, yet a caller who identifies is known there too."""
    needed = [{_SCHEMES[identity][0]: sorted(scopes)} for identity in app.identities]
    return [{}, *needed] if guests else needed


def who_may(scopes: frozenset[str], *, guests: bool) -> str:
    """Who may have it, in a sentence."""
    if scopes:
        return f"Needs a caller with scope {' '.join(f'`{scope}`' for scope in sorted(scopes))}."
    return "Open to guests." if guests else "Needs an identified caller."
