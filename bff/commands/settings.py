"""`bff settings`: every setting with its default and the reason, from the model itself; docs/settings.md is this."""

from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bff.settings import Settings


def settings() -> None:
    """Print all settings as Markdown."""
    print(document(), end="")


def document() -> str:
    """The page docs/settings.md, which a test holds equal to this."""
    head = (
        "# Settings\n\n"
        "Made by `bff settings`; do not edit. Settings stand in `bff.toml` (or the file that `BFF_CONFIG` names). A variable\n"
        "wins over the file: `BFF_SERVER__WORKERS=2` is `workers = 2` under `[server]`. `bff check --effective` shows what is\n"
        "in force.\n"
    )
    return head + "".join(_tables(Settings, ""))


def _tables(model: type[BaseModel], place: str) -> Iterator[str]:
    below: list[tuple[type[BaseModel], str]] = []
    rows = []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None:
            default = "(must be set)" if field.default is PydanticUndefined else f"`{field.default!r}`"
            rows.append(f"| `{name}` | {default} | {field.description or ''} |")
        else:
            here = f"{place}.{name}" if place else name
            below.append((inner, f"{here}.NAME" if get_origin(field.annotation) is dict else here))
    if rows:
        yield f"\n## {f'`[{place}]`' if place else 'At the top'}\n\n"
        yield "| setting | default | what and why |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    for inner, where in below:
        yield from _tables(inner, where)


def _model_in(annotation: object) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
