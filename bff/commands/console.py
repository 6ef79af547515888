"""Where commands print: answers on standard output, faults on standard error."""

from rich.console import Console
from rich.markup import escape

out = Console()
errors = Console(stderr=True)

__all__ = ["errors", "escape", "out"]
