"""The end of a process that has served."""

import logging
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process with `code`, at once: what it has said is written, and nothing else is waited for.

    For the last line of a program. A server's thread goes on for a moment after its listener has ended; when it asks for
    the interpreter's lock while Python finalizes, it is ended by force, and Rust takes the process down for that with
    SIGABRT instead of `code` (CPython 87135). So Python does not finalize.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
