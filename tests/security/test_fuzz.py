"""Schemathesis over both apps, in short; `make security` lets it run longer."""

from pathlib import Path

import pytest

from tests.security.fuzz import APPS, fuzz
from tests.security.kit import Door

SECONDS, EXAMPLES = 15, 10


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("app", APPS)
async def test_an_app_answers_as_its_document_says(door: Door, app: str, tmp_path: Path) -> None:
    door.product.lines.clear()
    found = await fuzz(door.product, tmp_path, app, seconds=SECONDS, examples=EXAMPLES)
    assert found.good, found.text
    assert not [line for line in door.product.lines if '"status":500,' in line or '"status":502,' in line]
