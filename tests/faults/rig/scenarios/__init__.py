"""Every scenario, in the order of the matrix."""

from tests.faults.rig.scenario import Scenario
from tests.faults.rig.scenarios.answers import f09, f10, f15
from tests.faults.rig.scenarios.balancing import f18, f19, f20, u3
from tests.faults.rig.scenarios.books import o2
from tests.faults.rig.scenarios.breaking import f12, f13, f14, f17
from tests.faults.rig.scenarios.cascade import cascade
from tests.faults.rig.scenarios.counting import f33, f34
from tests.faults.rig.scenarios.cut import f06, f08
from tests.faults.rig.scenarios.discovery import f21, f22
from tests.faults.rig.scenarios.hanging import f01, f02, f16
from tests.faults.rig.scenarios.identity import f41, f42, f43
from tests.faults.rig.scenarios.leaving import f26, f27, f28
from tests.faults.rig.scenarios.loads import f23, f24, f25
from tests.faults.rig.scenarios.ours import f48, f49
from tests.faults.rig.scenarios.slow import f46, f47
from tests.faults.rig.scenarios.state import f29, f30, f31, f32
from tests.faults.rig.scenarios.wires import f03, f04, f05, f07, f11

ALL: tuple[Scenario, ...] = (
    *(f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20),
    *(f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f41, f42, f43, f46, f47, f48, f49, u3, o2, cascade),
)
