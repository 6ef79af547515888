"""The demo's services, started and stopped together."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backends import delivery, geocoder, inventory, notifications, orders, payments, restaurants, reviews, users
from backends.control import control_of
from backends.ports import CONTROL, PORTS
from backends.store import folder, load
from backends.tokens import load_tokens
from backends.web import Table, World, handler
from bff.testing.stub import StubService


@dataclass(frozen=True, slots=True)
class Instance:
    """One copy of a service with its switches."""

    service: StubService
    control: StubService


class Backends:
    """Running services by name; those of two instances have them in the order of their ports."""

    def __init__(self, world: World, instances: dict[str, list[Instance]]) -> None:
        self.world = world
        self._instances = instances

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        only: Collection[str] = (),
        host: str = "127.0.0.1",
        free_ports: bool = False,
        data: Path | None = None,
        inside: str | Path | None = None,
    ) -> AsyncIterator["Backends"]:
        """Run all services, or those in `only`, until the block ends; the data is built first if need be.

        They work on one copy of the data in memory: what is written is seen by all of them and gone with them.
        `inside` is where the gateway's public keys are, an address (its admin listener's /.well-known/jwks.json) or a
        file: what is a user's is then theirs alone. Without it nobody is checked.
        """
        where = data or folder()
        async with AsyncExitStack() as stack:
            store = load(where)
            stack.callback(store.close)
            world = World(store, load_tokens(where), None if inside is None else str(inside))
            instances: dict[str, list[Instance]] = {}
            for name in only or PORTS:
                for port in PORTS[name]:
                    started = await start_one(stack, SERVICES[name](world), host, 0 if free_ports else port)
                    instances.setdefault(name, []).append(started)
            yield cls(world, instances)

    def names(self) -> list[str]:
        return list(self._instances)

    def stub(self, name: str, instance: int = 0) -> StubService:
        """The service itself, to set faults and read counters."""
        return self._instances[name][instance].service

    def address(self, name: str) -> str:
        return self.stub(name).address

    def addresses(self, name: str) -> list[str]:
        return [instance.service.address for instance in self._instances[name]]

    def control_address(self, name: str, instance: int = 0) -> str:
        return self._instances[name][instance].control.address


async def start_one(stack: AsyncExitStack, service: StubService, host: str, port: int) -> Instance:
    """Start a service and its control; `stack` closes them."""
    control = StubService(control_of(service), name=f"{service.name} control")
    stack.push_async_callback(service.close)
    stack.push_async_callback(control.close)
    await service.start(host, port)
    await control.start(host, port + CONTROL if port else 0)
    return Instance(service, control)


def json_service(name: str, table: Table) -> Callable[[World], StubService]:
    return lambda world: StubService(handler(table, world, door=world.door(name)), name=name)


def xml_service(world: World) -> StubService:
    return StubService(handler(payments.TABLE, world, error=payments.refusal, door=world.door("payments")), name="payments")


def grpc_service(world: World) -> StubService:
    made = delivery.service(world)
    made.door = world.door(made.name)
    return made


SERVICES: dict[str, Callable[[World], StubService]] = {
    "users": json_service("users", users.TABLE),
    "restaurants": json_service("restaurants", restaurants.TABLE),
    "orders": json_service("orders", orders.TABLE),
    "inventory": json_service("inventory", inventory.TABLE),
    "payments": xml_service,
    "delivery": grpc_service,
    "geocoder": json_service("geocoder", geocoder.TABLE),
    "reviews": json_service("reviews", reviews.TABLE),
    "notifications": json_service("notifications", notifications.TABLE),
}
