"""What cannot work in bff.toml is told at start, not as a 500 at the first request."""

from pathlib import Path

import pytest

from bff.errors import Refusal
from bff.settings import load

SERVICES = """
[services.users]
instances = ["http://127.0.0.1:1"]
[services.delivery]
wire = "grpc"
instances = ["http://127.0.0.1:2"]
"""


def route(**changes: str) -> str:
    lines = {"path": '"/a"', "service": '"users"', "to": '"/a"', **changes}
    return SERVICES + "[routes.a]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items())


def told(folder: Path, text: str) -> str:
    file = folder / "bff.toml"
    file.write_text(text)
    with pytest.raises(Refusal) as caught:
        load(file)
    return "\n".join(caught.value.faults)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"to": '"a"'}, "routes.a.to"),
        ({"to": '"/a b"'}, "routes.a.to"),
        ({"to": '"/a?x=1"'}, "routes.a.to"),  # the query is the client's
        ({"path": '"a"'}, "routes.a.path"),
        ({"path": '"/a/{id}"'}, "routes.a.path"),  # exact: nothing would fill it
        ({"methods": '["get"]'}, "routes.a.methods.0"),
        ({"methods": '["CONNECT"]'}, "routes.a.methods.0"),
        ({"methods": "[]"}, "routes.a.methods"),
        ({"service": '"delivery"'}, "routes.a: service 'delivery' speaks gRPC"),
    ],
)
def test_a_route_that_could_not_be_called_is_refused(tmp_path: Path, changes: dict[str, str], place: str) -> None:
    assert place in told(tmp_path, route(**changes))


@pytest.mark.parametrize(
    "instance", ["127.0.0.1:1", "ftp://x", "http://u:p@x", "http://x/path", "http://x:99999", "", "http://"]
)
def test_an_instance_that_is_no_address_is_refused(tmp_path: Path, instance: str) -> None:
    faults = told(tmp_path, f'[services.users]\ninstances = ["{instance}"]')
    assert "services.users.instances" in faults
    assert "http://host:port" in faults
