"""Where something was declared, as editors and terminals understand it: `composers/home.py:31`."""

import sys
from collections.abc import Callable
from pathlib import Path


def place_of(function: Callable[..., object]) -> str:
    """`composers/home.py:31 around`: file, line and name of a function."""
    code = getattr(function, "__code__", None)
    name = getattr(function, "__name__", type(function).__name__)
    return f"{_file(code.co_filename)}:{code.co_firstlineno} {name}" if code is not None else name


def place_of_caller(depth: int) -> str:
    """File and line of the code that called, `depth` frames up."""
    frame = sys._getframe(depth)
    return f"{_file(frame.f_code.co_filename)}:{frame.f_lineno}"


def _file(path: str) -> str:
    """Relative to where we are, if it lies below: that is what one can click on."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
