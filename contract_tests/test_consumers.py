"""Every HTTP client asks Pact's own server as its Pact says and reads the answer; the Pact is the committed one."""

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import clients
from bff import BackendInvalid, BackendStatus, Client, Missing
from bff.service_settings import ServiceSettings
from bff.upstream import pipe
from bff.upstream.batching import Batched
from clients.delivery import Delivery
from contract_tests.case import Case, Expected
from contract_tests.holding import hold
from contract_tests.pacts import EXPECTED, PACTS, file_of, pact_of, text_of

EXAMPLES = {"library", "loans"}  # of clients/_example.py, which nothing calls
CASES = [pytest.param(expected, id=expected.client.service) for expected in EXPECTED]


async def asked(client: Client, case: Case[Any]) -> None:
    """A status that is no answer is its error; all else is read by the wire model."""
    if case.status < 400:
        await case.ask(client)
        return
    with pytest.raises(BackendStatus) as caught:
        await case.ask(client)
    assert caught.value.status == case.status
    assert isinstance(caught.value, Missing) == (case.status == 404)


@pytest.mark.parametrize("expected", CASES)
async def test_the_client_asks_and_reads_as_its_committed_pact_says(expected: Expected[Any], tmp_path: Path) -> None:
    name, pact = expected.client.service, pact_of(expected)
    with pact.serve(raises=False) as server:
        service = pipe.service(name, ServiceSettings(instances=[f"http://127.0.0.1:{server.port}"], timeout=5))
        try:
            for case in expected.cases:
                await asked(expected.client(service), case)
        finally:
            await service.sender.close()
        assert server.mismatches == []
    hold(file_of(name), text_of(pact, tmp_path))


class Called:
    """In place of a client: takes down which methods are called."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:  # Any: it stands for whatever the client has
        if name != "many":
            self.names.add(name)
        return self

    def __call__(self, *args: object) -> "Called":
        return self


@pytest.mark.parametrize("expected", CASES)
def test_no_method_of_a_client_is_without_a_case(expected: Expected[Any]) -> None:
    called = Called()
    for case in expected.cases:
        case.ask(called)
    public = {name: value for name, value in vars(expected.client).items() if not name.startswith("_")}
    assert called.names == {name for name, value in public.items() if inspect.isfunction(value) or isinstance(value, Batched)}


def test_no_client_is_without_a_pact_and_no_pact_without_a_client() -> None:
    modules = [import_module(f"clients.{found.name}") for found in pkgutil.iter_modules(clients.__path__)]
    there = {
        value.service
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Client) and value.__module__ == module.__name__
    } - EXAMPLES
    held = {expected.client.service for expected in EXPECTED}
    assert there - held == {Delivery.service}, "gRPC is held by test_proto.py"
    assert {path.name for path in PACTS.iterdir()} == {file_of(name).name for name in held}


async def test_a_wire_model_that_reads_more_than_the_pact_says_is_found() -> None:
    """The example is all that the client gets, so a field that only the client knows is missing in it."""
    users = EXPECTED[0]
    short = Expected(users.client, [Case("a profile", lambda it: it.profile("7"), "/users/7", {"id": "7"})])
    with pact_of(short).serve(raises=False) as server:
        service = pipe.service("users", ServiceSettings(instances=[f"http://127.0.0.1:{server.port}"], timeout=5))
        with pytest.raises(BackendInvalid, match="name"):
            await asked(users.client(service), short.cases[0])
        await service.sender.close()
