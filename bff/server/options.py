"""What `bff serve` can be told, and why each default is what it is."""

from dataclasses import dataclass

from bff.errors import Refusal

# A balancer looks this often, so it has seen the 503 of /readyz (and one look may be lost) after twice the time.
PROBE_PERIOD = 3.0


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """One `bff serve`. Times are in seconds; `factory` is `module:callable` and is called in every worker."""

    factory: str
    apps: tuple[str, ...] = ()  # handed to the factory when it has a parameter of this name
    host: str = "127.0.0.1"  # nothing is offered to the network unasked
    port: int = 8000
    admin_host: str = "127.0.0.1"
    admin_port: int = 8001
    workers: int = 1  # more than one needs shared state: design.md 6.7
    # Above the 5 s that a connection may rest (HEADER_TIMEOUT in listener.py): when the listener stops, each has been
    # told to close or has timed out. A shorter drain is stretched until that holds (door.py); only 0 stops at once and
    # may cut connections at rest: for a developer's machine.
    drain: float = 2 * PROBE_PERIOD
    grace: float = 25.0  # for requests still running after the drain; the slowest screen's budget is far below
    start_timeout: float = 30.0  # compiling the screens takes a second; a worker that takes this long hangs
    # Open client connections of one worker; above it they wait in the kernel's queue. 2,000 sockets that never finish
    # their headers (F47) leave room, and at about 10 KB a connection it is less memory than one worker's code.
    connections: int = 8192

    def check(self) -> None:
        """Raise a Refusal that lists everything that cannot work."""
        faults = [
            f"{name}={value!r}: {mend}"
            for name, value, good, mend in (
                ("workers", self.workers, self.workers >= 1, "give at least 1"),
                ("drain", self.drain, self.drain >= 0, "give 0 (stop at once) or more seconds"),
                ("grace", self.grace, self.grace >= 0, "give 0 or more seconds"),
                ("start_timeout", self.start_timeout, self.start_timeout > 0, "give more than 0 seconds"),
                ("connections", self.connections, self.connections >= 1, "give at least 1"),
                ("factory", self.factory, self.factory.count(":") == 1, "write it as module:callable"),
            )
            if not good
        ]
        if faults:
            raise Refusal(faults)
