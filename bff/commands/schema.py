"""`bff schema APP`: the app's GraphQL schema as SDL."""

from typing import Annotated

import typer

from bff.commands.described import described
from bff.faces.graphql import build_schema
from bff.whole import load


def schema(app: Annotated[str, typer.Argument(help="the app's name")]) -> None:
    """Print the GraphQL schema of an app."""
    print(build_schema(*described(load()[1], app)).sdl())
