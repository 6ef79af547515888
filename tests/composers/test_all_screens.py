"""What holds for every screen of the demo."""

import pytest

from bff import settings as settings_module
from bff.composition.plan import Plan
from bff.project import Project, load

SERVICES = settings_module.load().services
PROJECT: Project = load("composers", SERVICES)
SCREENS = [pytest.param(plan, id=f"{app.name}/{plan.screen.name}") for app, plans in PROJECT.plans.items() for plan in plans]


@pytest.mark.parametrize("plan", SCREENS)
def test_no_step_that_is_not_shown_has_a_fallback(plan: Plan) -> None:
    """The sections that need it would show its stand-in and say that all is well."""
    assert [step.key for step in plan.steps if not step.shown and step.section.optional] == []


@pytest.mark.parametrize("plan", SCREENS)
def test_every_section_that_is_shown_says_what_it_is(plan: Plan) -> None:
    assert [step.key for step in plan.steps if step.shown and not step.section.__doc__] == []


@pytest.mark.parametrize("plan", SCREENS)
def test_every_section_that_calls_a_service_has_a_timeout_of_its_own(plan: Plan) -> None:
    assert [step.key for step in plan.steps if step.services and step.section.timeout is None] == [
        step.key for step in plan.steps if step.section.computed is not None
    ], "but for those whose fallback alone calls one: it has 150 ms"
