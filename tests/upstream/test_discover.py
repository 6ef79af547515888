"""Which way of finding instances the settings mean, and what they may not say."""

import asyncio
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bff.endpoint import Endpoint
from bff.service_settings import DiscoverSettings, ServiceSettings
from bff.upstream.discover import discovery
from bff.upstream.stats import ServiceStats


def test_listed_instances_are_found_at_once_and_without_a_loop() -> None:
    found: list[Sequence[Endpoint]] = []
    settings = ServiceSettings(instances=["http://10.0.0.1:80", "https://b.internal"])
    discovery("users", settings, ServiceStats()).start(found.append)
    assert found == [(Endpoint("http", "10.0.0.1", 80), Endpoint("https", "b.internal", 443))]


async def test_a_file_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    file.write_text('instances = ["http://10.0.0.1:80"]')
    first: asyncio.Future[Sequence[Endpoint]] = asyncio.get_running_loop().create_future()
    settings = ServiceSettings(discover=DiscoverSettings(kind="file", name=str(file)))
    found = discovery("users", settings, ServiceStats())
    found.start(first.set_result)
    async with asyncio.timeout(5):
        assert await first == (Endpoint("http", "10.0.0.1", 80),)
    await found.close()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "file", "name": "users.toml", "nameserver": "127.0.0.1:53"}, "not for kind = 'file'"),
        ({"kind": "dns", "name": "http://users.internal:80"}, "no host:port"),
        ({"kind": "dns", "name": "users.internal:x"}, "no host:port"),
        ({"kind": "dns", "name": ":80"}, "no host:port"),
        ({"kind": "dns", "name": "users.internal/path"}, "no host:port"),
        ({"kind": "dns", "name": "10.0.0.1:80"}, "no host:port"),
        ({"kind": "srv", "name": "_http._tcp"}, "no SRV name"),
        ({"kind": "srv", "name": "_http._tcp.users.internal:80"}, "no SRV name"),
        ({"kind": "srv", "name": "users.internal", "nameserver": "dns.internal:53"}, "no address:port"),
        ({"kind": "srv", "name": "users.internal", "nameserver": "127.0.0.1:x"}, "no address:port"),
    ],
    ids=str,
)
def test_settings_that_could_find_nothing_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        DiscoverSettings(**wrong)


@pytest.mark.parametrize("name", ["users.internal:8080", "users", "users.internal.:80"])
def test_a_name_with_or_without_a_port_is_one_for_dns(name: str) -> None:
    settings = ServiceSettings(discover=DiscoverSettings(kind="dns", name=name, nameserver="[::1]:53"))
    assert discovery("users", settings, ServiceStats())


def test_the_examples_of_the_page_are_settings_and_a_list_that_hold() -> None:
    page = (Path(__file__).parents[2] / "docs" / "discovery.md").read_text()
    examples = [tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    services = [ServiceSettings(**example["services"]["users"]) for example in examples if "services" in example]
    assert {found.discover.kind if found.discover else "" for found in services} == {"", "file", "dns", "srv"}
    (listed,) = (example for example in examples if "services" not in example)
    assert listed == {
        "instances": ["http://10.0.0.7:8080"],
        "instance": [{"url": "http://10.0.0.8:8080", "weight": 3}],
    }
