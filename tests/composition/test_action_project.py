"""What a project knows of its actions, and what several workers need for them."""

from bff.composition.action_plan import plan_action
from bff.limit_settings import RateLimitSettings
from bff.project import Project, state_faults
from bff.settings import ServerSettings, Settings
from bff.state_settings import StateSettings
from tests.gateway.action_kit import SHOP, cancel_order, place_order

PROJECT = Project((SHOP,), {SHOP: ()}, (), {SHOP: (plan_action(place_order), plan_action(cancel_order))})


def test_idempotent_actions_of_several_workers_need_a_shared_state() -> None:
    (fault,) = state_faults(Settings(server=ServerSettings(workers=2)), PROJECT)
    assert fault.startswith("tests/gateway/action_kit.py:")
    assert "place_order: is idempotent, but each of 2 workers" in fault
    assert 'set [state] url = "redis://..."' in fault


def test_one_worker_or_a_shared_state_will_do() -> None:
    assert not list(state_faults(Settings(), PROJECT))
    shared = Settings(server=ServerSettings(workers=2), state=StateSettings(url="redis://127.0.0.1:6379/0"))
    assert not list(state_faults(shared, PROJECT))


def test_nothing_idempotent_needs_nothing() -> None:
    only = Project((SHOP,), {SHOP: ()}, (), {SHOP: (plan_action(cancel_order),)})
    assert not list(state_faults(Settings(server=ServerSettings(workers=4)), only))


def test_limits_of_several_workers_need_a_shared_state_unless_each_is_to_count_alone() -> None:
    none = Project((SHOP,), {SHOP: ()}, ())
    two = ServerSettings(workers=2)
    (fault,) = state_faults(Settings(server=two, rate_limits={"all": RateLimitSettings(limit=5)}), none)
    assert fault.startswith("rate_limits.all: each of 2 workers would count for itself")
    alone = {"all": RateLimitSettings(limit=5, shared="local")}
    assert not list(state_faults(Settings(server=two, rate_limits=alone), none))
