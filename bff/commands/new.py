"""`bff new screen|backend|app`: the files of a new one, which pass `make check` and `make test` as they are."""

import keyword
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from bff.commands import new_backend
from bff.commands.console import escape, out
from bff.commands.generate.names import TYPES
from bff.commands.generate.proto import Protos
from bff.errors import Refusal
from bff.naming import camel

app = typer.Typer(no_args_is_help=True, help=__doc__)

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_LONGEST = 30  # characters of a name: what is made must fit the line length of `make check`
_TAKEN = frozenset({"bff", "needs", "section", "greeting", "batched", "msgspec", "stub", "run"})  # words of the templates
Name = Annotated[str, typer.Argument(help="in snake_case")]


@app.command("screen")
def screen(name: Name, app_name: Annotated[str, typer.Option("--app", help="the app that has it")] = "mobile") -> None:
    """A screen: its type, its composer, its test. No shared file is touched."""
    app_in_python = app_name.replace("-", "_")
    _write(
        name,
        {"app": app_in_python, "app_module": _module_of(app_in_python)},
        {
            f"schemas/{name}.py": "schema.py.txt",
            f"composers/{name}.py": "composer.py.txt",
            f"tests/composers/test_{name}.py": "test_composer.py.txt",
        },
    )
    out.print(f"Next: `make check`, `bff plan {camel(name)}`, then follow docs/add-a-screen.md from step 2.")


@app.command("backend")
def backend(
    name: Name,
    openapi: Annotated[Path | None, typer.Option(help="an OpenAPI 3 document, as JSON, to make the client of")] = None,
    proto: Annotated[Path | None, typer.Option(help="a .proto to make the client of; it is copied beside it")] = None,
    include: Annotated[Path | None, typer.Option(help="the folder that imports of the .proto are named from")] = None,
    only: Annotated[list[str] | None, typer.Option(help="a method to make, of many; say it once for each")] = None,
) -> None:
    """A backend: its client and the client's test, empty ones or made of the service's own description."""
    paths = [f"clients/{name}.py", f"tests/clients/test_{name}.py"]
    if openapi is None and proto is None:
        if only:
            raise Refusal(["--only chooses among described methods; give --openapi or --proto with it"])
        _write(name, {}, dict(zip(paths, ("client.py.txt", "test_client.py.txt"), strict=True)))
    else:
        _check(name, paths)
        new_backend.write(name, paths, openapi, None if proto is None else Protos(proto, include or proto.parent), only or [])
    section, wire = escape(f"[services.{name}]"), ' and wire = "grpc"' if proto else ""
    out.print(
        f'Next: put {section} with instances = ["http://host:port"]{wire} into bff.toml (docs/add-a-backend.md).',
        soft_wrap=True,
    )


@app.command("app")
def new_app(name: Name) -> None:
    """An app: a per-client BFF of its own."""
    _write(
        name,
        {"app_name": name.replace("_", "-")},
        {f"composers/{name}.py": "app.py.txt", f"tests/composers/test_{name}.py": "test_app.py.txt"},
    )
    out.print("Next: give it screens (docs/add-an-app.md).")


def _class_of(name: str) -> str:
    return name.title().replace("_", "")


def _refuse_elsewhere() -> None:
    if not Path("composers").is_dir():
        raise Refusal([f"there is no composers/ here ({Path.cwd()}); run in the project's folder"])


def _module_of(app: str) -> str:
    """Where an app is declared: in a module of its own (`bff new app`), or in apps.py."""
    _refuse_elsewhere()
    for module in (app, "apps"):
        file = Path("composers", f"{module}.py")
        if file.is_file() and re.search(rf"^{re.escape(app)} = App\(", file.read_text(), re.MULTILINE):
            return module
    raise Refusal([f"there is no app '{app}' in composers/; make it by `bff new app {app}`, or name another by --app"])


def _write(name: str, words: dict[str, str], made: dict[str, str]) -> None:
    _check(name, made, words)
    words = {"name": name, "Name": _class_of(name), "path": name.replace("_", "-"), **words}
    for path, template in made.items():
        text = Template((files("bff.commands") / "templates" / template).read_text()).substitute(words)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
        out.print(f"[green]made[/] {path}")


def _check(name: str, made: Iterable[str], words: Mapping[str, str] = {}) -> None:
    """Refuse what cannot be made, before anything is written."""
    _refuse_elsewhere()
    if not _NAME.match(name):
        raise Refusal([f"'{name}' is not a name in snake_case; begin with a letter and use a-z, 0-9 and _"])
    if len(name) > _LONGEST:
        raise Refusal([f"'{name}' has {len(name)} characters; use at most {_LONGEST}"])
    if keyword.iskeyword(name) or name in _TAKEN or name == words.get("app") or _class_of(name) in TYPES:
        raise Refusal([f"'{name}' has a meaning of its own in the files that would be made; choose another name"])
    there = [path for path in made if Path(path).exists()]
    if there:
        raise Refusal([f"{path} is there already; choose another name or take it away" for path in there])
