"""Clients that `bff new backend` makes in the folder where a test runs, loaded so that they can be called."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from bff.commands import new
from tests.commands.copy_of_project import ROOT

SPECS = Path(__file__).parent / "specs"
PETSTORE, RESTAURANTS = SPECS / "petstore.openapi.json", SPECS / "restaurants.openapi.json"
COURIER = ROOT / "backends" / "delivery.proto"


def made(name: str, openapi: Path | None = None, proto: Path | None = None, only: list[str] | None = None) -> Any:
    """The module of a client that was just made here. Any: no checker knows what is in it."""
    new.backend(name, openapi, proto, None, only)
    spec = spec_from_file_location(f"clients.made_{name}", Path("clients", f"{name}.py").absolute())
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
