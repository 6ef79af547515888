"""The table of defences is whole: no case without one, or without the reason why it has none."""

import pytest

from tests.security.cases import CASES
from tests.security.defence import Defence, found
from tests.security.mutations import DEFENCES, HELD


def test_every_case_has_a_defence_or_a_reason_why_none_can_be_switched_off() -> None:
    defended = {case for defence in DEFENCES for case in defence.cases}
    assert defended | HELD.keys() == CASES.keys()
    assert not defended & HELD.keys()


def test_a_defence_is_known_by_its_name() -> None:
    assert len({defence.name for defence in DEFENCES}) == len(DEFENCES)


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: defence.name)
def test_what_is_switched_off_is_there(defence: Defence) -> None:
    assert defence.instead or defence.patch is not None
    for place in defence.instead:
        found(place)
