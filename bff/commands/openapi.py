"""`bff openapi APP`: the app's OpenAPI document."""

import json
from typing import Annotated

import typer

from bff.commands.described import described
from bff.faces import openapi as face
from bff.whole import load


def openapi(app: Annotated[str, typer.Argument(help="the app's name")]) -> None:
    """Print the OpenAPI document of an app."""
    print(json.dumps(face.openapi(*described(load()[1], app)), indent=2))
