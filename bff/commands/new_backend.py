"""`bff new backend NAME --openapi|--proto FILE`: a client and its test, written of the service's own description."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bff.commands.console import escape, out
from bff.commands.generate import client, openapi, proto, tests
from bff.commands.generate.proto import Protos
from bff.commands.generate.shapes import Described, used
from bff.errors import Refusal


def write(name: str, paths: list[str], document: Path | None, protos: Protos | None, only: list[str]) -> None:
    """Write the two files of `paths`, and for a .proto its copy beside the client. What was left out is printed."""
    cls = name.title().replace("_", "")
    if protos is None:
        if document is None:
            raise Refusal(["give --openapi or --proto"])
        described = chosen(openapi.read(document, cls), only)
        texts = [client.client(name, cls, described, document.name), tests.http_test(name, cls, described)]
    elif document is None:
        described = chosen(proto.read(protos, cls), only)
        file = protos.file.name
        texts = [client.client(name, cls, described, file, file), tests.rpc_test(name, cls, described)]
        _copy(protos)
    else:
        raise Refusal(["a service is described by --openapi or by --proto, not by both"])
    for path, text in zip(paths, texts, strict=True):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
        out.print(f"[green]made[/] {path}")
    _lay_out(paths)
    for line in described.left_out:
        out.print(f"[yellow]left out[/] {escape(line)}", soft_wrap=True)


def chosen(described: Described, only: list[str]) -> Described:
    """With the methods that were asked for; Refusal names those that there are."""
    if not only:
        return described
    known = {operation.name: operation for operation in described.operations}
    unknown = [f"--only {name}: there is no such method; there are {', '.join(known)}" for name in only if name not in known]
    if unknown:
        raise Refusal(unknown)
    operations = [known[name] for name in dict.fromkeys(only)]
    return Described(described.title, used(described.messages, operations), operations, described.left_out)


def _copy(protos: Protos) -> None:
    """The .proto and what it imports to clients/, where the client class looks for them."""
    copies = {Path("clients", name): source for name, source in protos.sources()}
    for goal, source in copies.items():
        if goal.exists() and goal.read_bytes() != source.read_bytes():
            raise Refusal([f"{goal} is there already and differs; take it away or give --proto {goal}"])
    for goal, source in copies.items():
        if not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, goal)
            out.print(f"[green]made[/] {goal}")


def _lay_out(paths: list[str]) -> None:
    """As `make check` wants it; ruff comes with the tools of development, and a project without them has no such check."""
    if find_spec("ruff") is None:
        return
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "--quiet", *paths], check=False)
