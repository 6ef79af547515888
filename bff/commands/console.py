"""Where commands print: answers on standard output, faults on standard error."""

from rich.console import Console
from rich.markup import escape

out = Console(emoji=False)  # `file.proto:100:23` is a place, and no :100:
errors = Console(stderr=True, emoji=False)

__all__ = ["errors", "escape", "out"]
