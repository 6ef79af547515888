"""The .proto that the delivery client is compiled from is the one that its service is compiled from."""

import difflib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_client_and_service_speak_by_the_same_proto() -> None:
    ours, theirs = (ROOT / folder / "delivery.proto" for folder in ("clients", "backends"))
    diff = difflib.unified_diff(theirs.read_text().splitlines(), ours.read_text().splitlines(), str(theirs), str(ours))
    assert "\n".join(diff) == "", "copy backends/delivery.proto to clients/"
