"""gRPC's contract: the .proto that the client reads by, against the one that its service speaks.

Pact's own way with gRPC needs a plugin that is no package of an index, so the descriptors are compared here; that the
service answers by them is shown by tests/clients/test_delivery.py, against the real one.
"""

from pathlib import Path

import pytest

from contract_tests.breaking_proto import breaking_in_proto

ROOT = Path(__file__).parent.parent
OURS, THEIRS = (ROOT / folder / "delivery.proto" for folder in ("clients", "backends"))
TRACK = "/thali.delivery.v1.Delivery/Track"
ETA = "int32 eta_seconds = 4;"
ASSIGN = "/thali.delivery.v1.Delivery/Assign"
COURIER = "string courier_id = 3;"


def test_the_service_speaks_what_the_client_reads() -> None:
    assert breaking_in_proto(OURS, THEIRS) == [], "the service broke its client; else copy backends/delivery.proto to clients/"


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (
            "int32 eta_seconds = 4;",
            "string eta_seconds = 4;",
            f"{TRACK} gives eta_seconds changed from int32 = 4 to string = 4",
        ),
        (
            "int32 eta_seconds = 4;",
            "int32 eta_seconds = 14;",
            f"{TRACK} gives eta_seconds changed from int32 = 4 to int32 = 14",
        ),
        (COURIER, "", f"{TRACK} gives courier_id was removed"),
        (
            "string courier_id = 3;",
            "repeated string courier_id = 3;",
            f"{TRACK} gives courier_id changed from string = 3 to re",
        ),
        ("UNDER_WAY = 3", "ON_ITS_WAY = 3", f"{TRACK} gives status as UNDER_WAY was removed"),
        ("rpc Track(", "rpc Where(", f"{TRACK} was removed"),
        ("string eta = 2;", "int64 eta = 2;", f"{ASSIGN} gives eta changed from string = 2 to int64 = 2"),
        ("double longitude = 2;", "", f"{ASSIGN} takes delivery_location.longitude was removed"),
        ("string customer_name = 3;", "string customer_name = 6;", f"{ASSIGN} takes customer_name changed from string = 3 to"),
        ("returns (Tracking);              //", "returns (stream Tracking);  //", f"{TRACK} changed from call to stream"),
    ],
)
def test_what_breaks_the_client_is_named(was: str, now: str, told: str, tmp_path: Path) -> None:
    changed = tmp_path / "delivery.proto"
    changed.write_text(OURS.read_text().replace(was, now))
    assert told in "\n".join(breaking_in_proto(OURS, changed))


def test_what_is_added_breaks_nobody(tmp_path: Path) -> None:
    changed = tmp_path / "delivery.proto"
    changed.write_text(OURS.read_text().replace(COURIER, "string courier_id = 3; string more = 9;"))
    assert breaking_in_proto(OURS, changed) == []
