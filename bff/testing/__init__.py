"""For the tests of those who write screens: run a screen or an action without sockets, or against a scripted backend."""

from bff.testing.act import Done, act
from bff.testing.client import client_of
from bff.testing.clock import ManualClock
from bff.testing.run import Result, run
from bff.testing.stub import Fault, StubReply, StubRequest, StubService

__all__ = ["Done", "Fault", "ManualClock", "Result", "StubReply", "StubRequest", "StubService", "act", "client_of", "run"]
