"""Which policies are about which endpoint, and what is refused at the start."""

import pytest

from bff.errors import Refusal
from bff.gateway.quota import Quota
from bff.gateway.quota_built_in import BUILT_IN, or_built_in
from bff.limit_settings import RateLimitSettings
from tests.gateway.quota_kit import PLACES


def faults(**limits: RateLimitSettings) -> tuple[str, ...]:
    with pytest.raises(Refusal) as refusal:
        Quota(None, limits, PLACES)
    return refusal.value.faults


def test_patterns_name_endpoints_whole_or_in_part() -> None:
    limits = {
        "all": RateLimitSettings(limit=1),
        "shop": RateLimitSettings(to=["shop/*"], limit=1),
        "orders": RateLimitSettings(to=["shop/placeOrder", "routes/*"], limit=1),
    }
    ours = Quota(None, limits, PLACES)
    assert ours.policies_of("shop/home") == ("all", "shop")
    assert ours.policies_of("shop/placeOrder") == ("all", "shop", "orders")
    assert ours.policies_of("routes/login") == ("all", "orders")
    assert Quota().policies_of("shop/home") == ()


def test_a_pattern_that_is_no_endpoint_is_refused_with_what_there_is() -> None:
    (fault,) = faults(orders=RateLimitSettings(to=["shop/home", "shop/placeorder"], limit=1))
    assert fault == (
        "rate_limits.orders.to: 'shop/placeorder' is no endpoint "
        "(there is: routes/login, shop/graphql, shop/home, shop/placeOrder); mend it or take it out"
    )


def test_every_fault_is_told_at_once() -> None:
    told = faults(
        **{
            'a "name"': RateLimitSettings(limit=1),
            "accounts": RateLimitSettings(by=["account"], to=["shop/*"], limit=1),
            "bursts": RateLimitSettings(limit=1, burst=5),
        }
    )
    assert [fault.partition(":")[0] for fault in told] == [
        'rate_limits.a "name"',
        "rate_limits.accounts.by",
        "rate_limits.bursts.burst",
    ]


def test_a_project_that_names_no_limits_has_built_in_ones_for_everything() -> None:
    ours = Quota(None, or_built_in({}), PLACES)
    assert all(ours.policies_of(place.name) == ("addresses", "callers") for place in PLACES)
    own = {"own": RateLimitSettings(limit=1)}
    assert or_built_in(own) is own
    assert set(BUILT_IN) == {"addresses", "callers"}


def test_a_policy_may_be_about_an_app_that_is_served_elsewhere() -> None:
    limits = {"web": RateLimitSettings(to=["web/*"], limit=1), "pay": RateLimitSettings(to=["*/pay"], limit=1)}
    assert len(faults(**limits)) == 2
    ours = Quota(None, limits, PLACES, absent=frozenset({"web"}))
    assert ours.policies_of("shop/home") == ()
