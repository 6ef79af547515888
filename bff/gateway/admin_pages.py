"""The files that the admin pages are made of: our own in bff/faces/pages/, Swagger UI's from its package."""

from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template

import bff.faces

PAGES = Path(next(iter(bff.faces.__path__))) / "pages"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file that a page may load."""

    path: Path
    media_type: str


def page(name: str, **values: str) -> str:
    """A page with its $words filled in; the values are text and escaped here."""
    return fill(name, {word: escape(value) for word, value in values.items()})


def fill(name: str, values: dict[str, str]) -> str:
    """A page with its $words filled in by HTML that has been escaped already."""
    return Template((PAGES / name).read_text("utf-8")).substitute(values)


def _assets() -> dict[str, Asset]:
    """An allow-list: a name that is not in it is not looked for on any disk."""
    types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    own = {path.name: Asset(path, types[path.suffix]) for path in sorted(PAGES.iterdir()) if path.suffix in types}
    found = find_spec("fastapi_offline")  # carries swagger-ui-dist, as jsdelivr would serve it; not imported
    if found is None or found.origin is None:
        return own  # every page but the REST docs still works
    swagger = Path(found.origin).parent / "static"
    names = ("swagger-ui-bundle.js", "swagger-ui.css")
    return own | {name: Asset(swagger / name, types[Path(name).suffix]) for name in names}


ASSETS = _assets()
