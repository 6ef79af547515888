"""Lets requests in while there is room for their priority; the others are told at once when to come back."""

from random import Random

from bff.faces.problems import Problem
from bff.gateway.pressure import Pressure
from bff.gateway.request import Request
from bff.priority import PRIORITIES, Priority

# Seconds until a refused client is asked back, drawn evenly: those who were refused together must not return together.
SOONEST, LATEST = 1, 5


class Gate:
    """`admit` before any work is done for a request, `leave` when it is over. `refused` counts by priority."""

    def __init__(self, pressure: Pressure, random: Random | None = None) -> None:
        self.pressure = pressure
        self.refused: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._random = random or Random()

    def admit(self, request: Request) -> None:
        """Take a place for it; raises the 503 problem when there is none. Costs one comparison."""
        endpoint, pressure = request.endpoint, self.pressure
        priority: Priority = "normal" if endpoint is None else endpoint.priority
        if pressure.in_flight >= pressure.room[priority]:
            self.refused[priority] += 1
            request.refused = "overload"
            seconds = str(self._random.randint(SOONEST, LATEST)).encode()
            raise Problem("overloaded", "try again after `Retry-After` seconds", headers=[(b"retry-after", seconds)])
        pressure.in_flight += 1
        request.admitted = True

    def leave(self, request: Request) -> None:
        """Give its place back, if it had one."""
        if request.admitted:
            request.admitted = False
            self.pressure.in_flight -= 1
