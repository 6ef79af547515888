"""One provider for all tests of this directory."""

from collections.abc import Iterator

import pytest

from tests.idp.idp import Idp, running


@pytest.fixture(scope="session")
def idp() -> Iterator[Idp]:
    with running() as provider:
        yield provider
