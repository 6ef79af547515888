"""Every bad screen of tests/faulty is refused at start, by file, name and mend; all faults of a project in one message."""

import pkgutil
from importlib import import_module

import pytest

import tests.faulty
from bff import project
from bff.composition.build import plan_of
from bff.composition.field import Field
from bff.composition.screen import Screen
from bff.errors import Refusal

SAID = {
    "wrong_type": ["Screen('/wrong_type'): Page.head is int, but section 'head' gives str"],
    "wrong_edge": ["head: parameter 'number' is str, but section 'number' gives int"],
    "cycle": ["head: needs itself (head -> other -> head); break the circle"],
    "unknown_service": ["calls service 'nowhere', which is not in bff.toml (there is: users); add [services.nowhere]"],
    "nameless_service": ['Anyone calls no service; write `class Anyone(Client, service="...")`'],
    "optional_in_non_null": ["Page.head is never null, but section 'head' has fallback=None; declare it `str | None`"],
    "timeout_over_budget": [
        "timeout=0.7 is over what",
        "can give it (0.630 s of its budget of 0.8 s); lower the timeout or raise",
    ],
    "fallback_needs_more": ["its fallback needs 'other', which the section itself does not need"],
    "unbounded_list": ["parameter 'words' is a list without a limit; write Annotated[list[...], Len(max_length=...)]"],
    "odd_input": ["parameter 'thing' is <class 'object'>", "parameter 'nothing' has no type; annotate it"],
    "two_types_of_one_input": ["input 'limit' is str here and int in section 'head'; one screen, one type"],
    "unused_path_parameter": ["no section takes 'page_id' of its path; add the parameter or take it out"],
    "not_async": ["is not async; write `async def head`", "body: has no return type"],
    "field_without_attribute": [
        "Card has no attribute 'rating'; declare it in schemas/ with default None",
        "Card.name must have default None",
    ],
    "union_attribute": ["is a union; use one type"],
    "frozen_item": ["Dish is frozen, so its 'stars' cannot be filled; take frozen=True away"],
    "section_twice": ["section 'head' fills head and again; let a section of its own that needs it fill again"],
    "same_path_twice": ["its path '/same_path_twice' is"],
    "no_app": ["Screen('/no_app'): no app has it; pass apps=(...)"],
    "action_unbounded": [
        "parameter 'note' is text without a limit; write Annotated[str, MaxLen(...)]",
        "parameter 'ids' is a list without a limit",
        "parameter 'line.text' is text without a limit",
        "parameter 'line.tags' is a list without a limit",
    ],
    "action_odd_input": [
        "parameter 'sent' is <class 'object'>, which is neither a Client",
        "parameter 'reply.below' holds Reply in itself",
    ],
    "action_no_view": ["no_view: gives <class 'str'>; give a View from schemas/"],
    "action_path": [
        "nothing_takes_it: nothing takes 'order_id' of its path; add the parameter or take it out",
        "with_body: a DELETE has no body that every proxy passes on, so 'reason' cannot be given",
        "'order_id' stands in the path, so it has no default",
        "parameter 'tag' is list[str], which cannot stand in a path",
    ],
    "action_rules": [
        "method='GET' is not one for changes; give one of POST, PUT, PATCH, DELETE",
        "status=204 is not what a success with an answer has",
        "budget=0 is no time",
        "take guests=True or idempotent=True away",
    ],
    "action_twice": ["same_path: its path 'POST /action_twice/{}' is", "same_name: its name 'first' is"],
    "action_of_sections": [
        "of_sections: parameter 'head' needs a section, which an action does not run",
        "head: parameter 'steps' is for changes; make this an @action",
        "head: parameter 'once' is for changes; make this an @action",
    ],
    "action_nowhere": [
        "Elsewhere calls service 'elsewhere', which is not in bff.toml (there is: users)",
        "elsewhere: its path must begin with /",
        "elsewhere: no app has it; pass apps=(...)",
        "elsewhere: Done.stars is filled by",
    ],
}
# Refused for what stands in other modules, or in no screen at all.
NOT_ALONE = {"unknown_service", "same_path_twice", "no_app"} | {name for name in SAID if name.startswith("action_")}


def test_every_faulty_module_has_its_words() -> None:
    assert {module.name for module in pkgutil.iter_modules(tests.faulty.__path__)} == set(SAID) | {"_app"}


@pytest.fixture(scope="module")
def told() -> tuple[str, ...]:
    with pytest.raises(Refusal) as caught:
        project.load("tests.faulty", ["users"])
    return caught.value.faults


@pytest.mark.parametrize("module", sorted(SAID))
def test_a_bad_screen_is_refused_with_place_and_mend(module: str, told: tuple[str, ...]) -> None:
    for words in SAID[module]:
        found = [fault for fault in told if words in fault]
        assert len(found) == 1, told
        assert found[0].startswith(f"tests/faulty/{module}.py:")


@pytest.mark.parametrize("module", sorted(set(SAID) - NOT_ALONE))
def test_a_screen_alone_is_refused_too(module: str) -> None:
    values = vars(import_module(f"tests.faulty.{module}")).values()
    fields = [value for value in values if isinstance(value, Field)]
    screen = next(value for value in values if isinstance(value, Screen))
    with pytest.raises(Refusal):
        plan_of(screen, fields)
