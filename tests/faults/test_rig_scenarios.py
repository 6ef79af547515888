"""Some of the matrix in short rounds; all of it, with the latencies, is `make faults`.

What is asserted here are counts and shares. A latency on a machine that runs other tests tells of those.
"""

import pytest

from tests.faults.rig.rig import rig
from tests.faults.rig.rounds import rounds
from tests.faults.rig.scenario import Scenario
from tests.faults.rig.scenarios import ALL

IN_PROCESS = ("F04", "F05", "F06", "F08", "F10", "F14", "F15", "F17", "F21", "F23", "F27", "F32", "F42", "F48")
SERVED = ("F01", "F02", "F09", "F12", "F13", "F19", "F20", "F26", "F28")


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", [one for one in ALL if one.number in (*IN_PROCESS, *SERVED)], ids=lambda scenario: scenario.number
)
async def test_a_fault_costs_no_more_than_it_may(scenario: Scenario) -> None:
    async with rig(brief=True) as running:
        result = await rounds(running, scenario, 1)
    assert not result.broken
    assert [limit for limit in result.missed if limit.kind == "count"] == [], result.told()
