"""Commands that describe the demo and call nobody: check, plan, schema, openapi, settings."""

import json
import re

import pytest

from bff.commands import check, openapi, plan, schema, settings
from bff.commands.console import out
from bff.errors import Refusal
from bff.whole import load
from tests.commands.copy_of_project import ROOT

Captured = pytest.CaptureFixture[str]


def test_check_counts_what_is_good(capsys: Captured) -> None:
    check.check()
    assert re.match(r"good: \d+ apps, \d+ screens, \d+ actions, \d+ services\n", capsys.readouterr().out)


def test_check_effective_shows_every_setting_of_every_service_and_every_screen(capsys: Captured) -> None:
    check.check(effective=True)
    said = capsys.readouterr().out
    for word in ("delivery", "grpc", "max_in_flight", "breaker.window", "default", "guestHome", "viewer*"):
        assert word in said


def test_check_effective_shows_one_services_whole_policy_alone(capsys: Captured) -> None:
    check.check(effective=True, service=["payments"])
    said = capsys.readouterr().out
    assert "payments" in said
    assert "retry.budget" in said
    assert "users" not in said
    with pytest.raises(Refusal, match="there is no service 'nobody'; there is: users"):
        check.check(service=["nobody"])


def test_a_plan_draws_what_waits_for_what(capsys: Captured) -> None:
    plan.plan("mobile/tracking")
    said = capsys.readouterr().out
    assert "critical path at worst: ownOrder → progress → courier (1.00 s)" in said
    lines = {line.strip(" │├└─").split("  ")[0]: line for line in said.splitlines()}
    assert lines["ownOrder"].index("o") < lines["progress"].index("p") < lines["courier"].index("c"), "below what they need"
    assert "0.30 s, optional, calls delivery, else constant" in lines["courier"]
    assert "required" in lines["order"]


def test_a_plan_without_an_app_is_that_of_every_app(capsys: Captured) -> None:
    plan.plan("search")
    said = capsys.readouterr().out
    assert "mobile /search" in said
    assert "web /search" in said
    assert "results.items.rating  0.30 s, field of items, calls reviews" in said


def test_the_critical_path_is_the_chain_that_takes_longest(capsys: Captured) -> None:
    plan.plan("mobile/home")
    assert "critical path at worst: defaultAddress → around → nearby → nearby.rating (1.00 s)" in capsys.readouterr().out
    keys, seconds = plan.critical_path(load()[1].plan("mobile", "home"))
    assert keys == ["defaultAddress", "around", "nearby", "nearby.rating"]
    assert seconds == pytest.approx(0.3 + 0.35 + 0.15 + 0.3), "the fallback of nearby has 0.15 s, its field 0.3 s"


def test_a_screen_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refusal, match=r"there is no screen 'hom'; there is: .*mobile/account, .*web/tracking"):
        plan.plan("hom")


def test_an_app_that_is_not_there_is_refused_with_those_that_are() -> None:
    for describe in (schema.schema, openapi.openapi):
        with pytest.raises(Refusal, match=r"there is no app 'nobodys'; there is: .*mobile.*web"):
            describe("nobodys")


def test_the_schema_and_the_document_are_printed_whole(capsys: Captured) -> None:
    schema.schema("mobile")
    assert "type MobileHome {" in capsys.readouterr().out
    openapi.openapi("web")
    assert "/web/v1/home" in json.loads(capsys.readouterr().out)["paths"]


def test_the_page_of_settings_is_that_of_the_model(capsys: Captured) -> None:
    settings.settings()
    page = (ROOT / "docs" / "settings.md").read_text()
    assert capsys.readouterr().out == page, "docs/settings.md is made by `make docs`; run it"


def test_the_page_of_settings_has_every_table_with_defaults_and_reasons() -> None:
    page = settings.document()
    for word in ("## `[server]`", "## `[services.NAME]`", "## `[issuers.NAME]`", "| `timeout` | `0.8` |", "(must be set)"):
        assert word in page


def test_the_address_of_an_instance_is_shown_whole(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 300)
    monkeypatch.setenv("BFF_SERVICES__USERS__INSTANCES", '["http://[fd00::1]:9101"]')
    check.check(effective=True, service=["users"])
    assert "fd00::1" in capsys.readouterr().out
