"""`bff new backend --openapi|--proto`: what is made of real descriptions passes every check and its own tests, and speaks
with the real services."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from backends.running import Backends
from bff import Missing
from bff.service_settings import ServiceSettings
from bff.upstream import pipe
from tests.commands.copy_of_project import copy_to, run
from tests.commands.making import COURIER, PETSTORE, RESTAURANTS, made


class Item(BaseModel):
    item_id: int
    tags: list[str] = []
    parent: "Item | None" = None


def fastapi() -> dict[str, Any]:
    """A document as FastAPI writes it: 3.1, with its own operation ids and its 422s."""
    app = FastAPI(title="Items")

    @app.get("/items/{item_id}")
    def one(item_id: int, since: datetime | None = None, words: Annotated[list[str] | None, Query()] = None) -> Item: ...  # type: ignore[empty-body]

    @app.put("/items/{item_id}")
    def keep(item_id: int, item: Item) -> list[Item]: ...  # type: ignore[empty-body]

    return app.openapi()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which a client was made of each description, by the command itself."""
    folder = copy_to(tmp_path_factory.mktemp("generated") / "project")
    (folder / "items.json").write_bytes(msgspec.json.encode(fastapi()))
    for line in (
        f"shop --openapi {PETSTORE}",
        f"kitchen --openapi {RESTAURANTS}",
        f"courier --proto {COURIER}",
        "items --openapi items.json",
    ):
        done = run(folder, f".venv/bin/bff new backend {line}")
        assert done.returncode == 0, done.stdout
    return folder


MADE = " ".join(f"clients/{name}.py tests/clients/test_{name}.py" for name in ("shop", "kitchen", "courier", "items"))


@pytest.mark.parametrize("check", ["ruff format --check", "ruff check", "mypy", "pyright", "pytest -q"])
def test_what_is_made_passes_every_check_and_its_own_tests(project: Path, check: str) -> None:
    done = run(project, f".venv/bin/python -m {check} {MADE}")
    assert done.returncode == 0, done.stdout


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which the command runs in."""
    (tmp_path / "composers").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    async with Backends.start(only=["restaurants", "delivery"], free_ports=True) as running:
        yield running


async def test_a_client_made_of_openapi_speaks_with_the_real_service(here: Path, backends: Backends) -> None:
    kitchen = made("kitchen", RESTAURANTS)
    service = pipe.service("kitchen", ServiceSettings(instances=[f"http://{backends.address('restaurants')}"], timeout=5))
    client = kitchen.Kitchen(service)
    one = await client.get_one("5")
    assert (one.id, one.delivery_fee.currency) == ("5", "EUR")
    assert [found.id for found in await client.get_many(["5", "6"])] == ["5", "6"]
    page = await client.search(cuisine=["INDIAN"], limit=2)
    assert {found.cuisine for found in page.items} == {"INDIAN"}
    assert (await client.search(cuisine=["INDIAN"], limit=2, cursor=page.next)).items[0].id != page.items[0].id
    assert (await client.get_restaurants_menu_by_id("5")).categories[0].dishes[0].price.amount > 0
    assert (await client.promotions("Kreuzberg", 1)).items[0].ends_at.tzinfo is not None
    assert b"INDIAN" in (await client.cuisines()).raw
    with pytest.raises(Missing):
        await client.get_one("999999999")
    await service.sender.close()


async def test_a_client_made_of_a_proto_speaks_with_the_real_service(here: Path, backends: Backends) -> None:
    courier = made("courier", proto=COURIER)
    assert (here / "clients" / "delivery.proto").read_bytes() == COURIER.read_bytes()
    settings = ServiceSettings(wire="grpc", instances=[f"http://{backends.address('delivery')}"], timeout=5)
    service = pipe.service("courier", settings)
    client = courier.Courier(service)
    found = await client.track(courier.TrackRequest(order_id="1"))
    assert (found.order_id, found.status) == ("1", "DELIVERED")
    assert found.steps[0].status == "ASSIGNED"
    estimate = await client.estimate(courier.EstimateRequest("5", courier.Position(52.5, 13.4)))
    assert estimate.eta_seconds > 0
    await service.sender.close()
