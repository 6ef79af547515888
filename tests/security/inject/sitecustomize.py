"""Found by every Python that starts with this folder on PYTHONPATH: switches one defence off, as $SECURITY_MUTATION says."""

import os
import sys
from pathlib import Path

if os.environ.get("SECURITY_MUTATION"):
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.security.mutations import switch_off

    switch_off(os.environ["SECURITY_MUTATION"])
