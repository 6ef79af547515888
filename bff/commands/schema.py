"""`bff schema APP`: the app's GraphQL schema as SDL."""

from typing import Annotated

import typer

from bff.commands.screens import screens_of
from bff.faces.graphql import build_schema
from bff.whole import load


def schema(app: Annotated[str, typer.Argument(help="the app's name")]) -> None:
    """Print the GraphQL schema of an app."""
    found, screens = screens_of(load()[1], app)
    print(build_schema(found, screens).sdl())
