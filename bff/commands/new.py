"""`bff new screen|backend|app`: the files of a new one, which pass `make check` and `make test` as they are."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from bff.commands.console import out
from bff.errors import Refusal

app = typer.Typer(no_args_is_help=True, help=__doc__)

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
Name = Annotated[str, typer.Argument(help="in snake_case")]


@app.command("screen")
def screen(name: Name, app_name: Annotated[str, typer.Option("--app", help="the app that has it")] = "mobile") -> None:
    """A screen: its type, its composer, its test. No shared file is touched."""
    _write(
        name,
        {"app": app_name.replace("-", "_")},
        {
            f"schemas/{name}.py": "schema.py.txt",
            f"composers/{name}.py": "composer.py.txt",
            f"tests/composers/test_{name}.py": "test_composer.py.txt",
        },
    )
    out.print(f"Next: `make check`, `bff plan {name}`, then follow docs/add-a-screen.md from step 2.")


@app.command("backend")
def backend(name: Name) -> None:
    """A backend: its client and the client's test."""
    _write(name, {}, {f"clients/{name}.py": "client.py.txt", f"tests/clients/test_{name}.py": "test_client.py.txt"})
    out.print(f'Next: put [services.{name}] with instances = ["http://host:port"] into bff.toml (docs/add-a-backend.md).')


@app.command("app")
def new_app(name: Name) -> None:
    """An app: a per-client BFF of its own."""
    _write(
        name,
        {"app_name": name.replace("_", "-")},
        {f"composers/{name}.py": "app.py.txt", f"tests/composers/test_{name}.py": "test_app.py.txt"},
    )
    out.print("Next: give it screens (docs/add-an-app.md).")


def _write(name: str, words: dict[str, str], made: dict[str, str]) -> None:
    if not _NAME.match(name):
        raise Refusal([f"'{name}' is not a name in snake_case; begin with a letter and use a-z, 0-9 and _"])
    there = [path for path in made if Path(path).exists()]
    if there:
        raise Refusal([f"{path} is there already; choose another name or take it away" for path in there])
    if not Path("composers").is_dir():
        raise Refusal([f"there is no composers/ here ({Path.cwd()}); run in the project's folder"])
    words = {"name": name, "Name": name.title().replace("_", ""), "path": name.replace("_", "-"), **words}
    for path, template in made.items():
        text = Template((files("bff.commands") / "templates" / template).read_text()).substitute(words)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
        out.print(f"[green]made[/] {path}")
