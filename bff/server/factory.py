"""From `module:callable` to a Served; what is wrong with the name is a Refusal, what is wrong inside is a traceback."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, cast

from bff.errors import Refusal
from bff.server.options import ServeOptions
from bff.server.served import Served


def build(options: ServeOptions) -> Served:
    """Call the factory, with `apps` when it has such a parameter."""
    make = _find(options.factory)
    if "apps" in inspect.signature(make).parameters:
        return make(apps=options.apps)
    if options.apps:
        raise Refusal([f"{options.factory} has no parameter `apps`, so it cannot serve only {', '.join(options.apps)}"])
    return make()


def _find(name: str) -> Callable[..., Served]:
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # Only the module that was asked for: a missing import inside it is a bug and wants its traceback.
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        fault = f"{name}: there is no module {error.name}; `bff serve` looks from the current folder"
        raise Refusal([fault]) from error
    make: Any = getattr(module, attribute, None)
    if not callable(make):
        raise Refusal([f"{name}: {module_name} has no callable {attribute}"])
    return cast("Callable[..., Served]", make)
