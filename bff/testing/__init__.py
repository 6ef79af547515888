"""For the tests of those who write screens: run a screen without sockets, or against a scripted backend."""

from bff.testing.client import client_of
from bff.testing.clock import ManualClock
from bff.testing.run import Result, run
from bff.testing.stub import Fault, StubReply, StubRequest, StubService

__all__ = ["Fault", "ManualClock", "Result", "StubReply", "StubRequest", "StubService", "client_of", "run"]
