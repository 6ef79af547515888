"""Every service of the demo answers as the Pacts say that its clients need; one that no longer does is told field by field."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pact import Verifier

from backends import payments
from backends.running import Backends
from backends.store import Store
from backends.users import TABLE
from backends.web import handler
from bff.testing import StubReply, StubRequest, StubService
from contract_tests.given import GIVEN, MADE
from contract_tests.pacts import PACTS, file_of

FILES = [pytest.param(path, id=path.stem.partition("-")[2]) for path in sorted(PACTS.iterdir())]


async def faults(pact: Path, address: str) -> list[str]:
    """What the service at `address` ("host:port") does otherwise than the Pact says, a line each."""
    host, _, port = address.rpartition(":")
    verifier = Verifier("any", host=host).add_transport(protocol="http", port=int(port)).add_source(pact)
    verifier.set_coloured_output(enabled=False)
    with suppress(RuntimeError):  # it raises for what its results tell better
        await asyncio.to_thread(verifier.verify)
    results = verifier.results["interactionResults"]
    assert results, verifier.output(strip_ansi=True)
    return [line for result in results for line in _told(result)]


def _told(result: dict[str, Any]) -> list[str]:
    name = f"{result['provider']} breaks {result['consumer']} in {result['description']!r}"
    mismatch = result.get("mismatch")
    if mismatch is None:
        return []
    if "mismatches" not in mismatch:
        return [f"{name}: {mismatch}"]
    # Pact lets a JSON object have more than was asked for, and an XML element not; our codec skips what it does not know
    told = [one for one in mismatch["mismatches"] if not one["mismatch"].startswith("Unexpected child")]
    return [f"{name}: {one.get('path', 'status')} {one['mismatch']}" for one in told]


def lacking(pact: Path, store: Store) -> list[str]:
    """The states that the Pact is given and the data has not; those that can be made are."""
    document = json.loads(pact.read_text())
    states = {state["name"] for interaction in document["interactions"] for state in interaction.get("providerStates", ())}
    for state in states & MADE.keys():
        for statement in MADE[state]:
            store.write(statement)
    return [state for state in states - MADE.keys() if store.one(GIVEN[state]) is None]


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    async with Backends.start(free_ports=True) as running:
        yield running


@pytest.mark.parametrize("pact", FILES)
async def test_the_service_keeps_its_pact(backends: Backends, pact: Path) -> None:
    assert lacking(pact, backends.world.store) == []
    assert await faults(pact, backends.address(pact.stem.partition("-")[2])) == []


Mutation = Callable[[dict[str, Any]], None]


async def broken_by(backends: Backends, change: Mutation) -> list[str]:
    """What is told of a users service that writes a user otherwise."""
    answer = handler(TABLE, backends.world)

    def changed(request: StubRequest) -> StubReply:
        reply = answer(request)
        assert isinstance(reply, StubReply)
        if request.path != "/users/7":
            return reply
        user = json.loads(reply.body)
        change(user)
        return StubReply.json(user)

    async with StubService(changed) as service:
        return await faults(file_of("users"), service.address)


PLACE = 'users breaks thali in "somebody\'s profile":'


async def test_a_field_of_another_type_breaks_the_pact_and_is_named_with_both(backends: Backends) -> None:
    def number(user: dict[str, Any]) -> None:
        user["id"] = 7

    assert await broken_by(backends, number) == [
        f"{PLACE} $.id Expected 7 (Integer) to be the same type as '7' (String)",
    ]


async def test_a_field_that_is_gone_breaks_the_pact(backends: Backends) -> None:
    [fault] = await broken_by(backends, lambda user: user.pop("tier"))
    assert fault == f"{PLACE} $ Actual map is missing the following keys: tier"


async def test_a_time_in_another_form_breaks_the_pact(backends: Backends) -> None:
    def local(user: dict[str, Any]) -> None:
        user["joined_at"] = "2026-01-02 12:00"

    [fault] = await broken_by(backends, local)
    assert fault.startswith(f"{PLACE} $.joined_at Expected '2026-01-02 12:00' to match ")


async def test_a_field_more_and_a_field_that_nobody_reads_less_break_nobody(backends: Backends) -> None:
    def other(user: dict[str, Any]) -> None:
        user["more"] = 1
        del user["locale"]

    assert await broken_by(backends, other) == []


async def test_a_status_that_is_not_the_promised_one_is_told(backends: Backends) -> None:
    async with StubService({}) as service:
        told = await faults(file_of("geocoder"), service.address)
    assert "geocoder breaks thali in 'an area': status expected 200 but was 404" in told


async def test_xml_of_another_form_breaks_the_pact(backends: Backends) -> None:
    answer = handler(payments.TABLE, backends.world)

    def changed(request: StubRequest) -> StubReply:
        reply = answer(request)
        assert isinstance(reply, StubReply)
        return StubReply(reply.body.replace(b'default="true"', b'default="yes"'), reply.status, "application/xml")

    async with StubService(changed) as service:
        [fault] = await faults(file_of("payments"), service.address)
    assert "'how somebody pays': $.methods.method['@default'] Expected 'yes' to match" in fault
