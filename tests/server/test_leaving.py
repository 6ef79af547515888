"""How a process that has served ends."""

import subprocess
import sys

# A thread that never ends stands for a server's that outlived its listener: Python would wait for it.
_PROGRAM = """
import threading
from bff.server.leaving import leave
threading.Thread(target=threading.Event().wait).start()
print("said last")
leave(3)
"""


def test_it_ends_at_once_with_its_own_code_and_all_that_it_said() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said last\n", "")
