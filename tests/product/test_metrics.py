"""Metrics of the whole product: one page over its workers, true to what the backends saw, read by a real Prometheus."""

import asyncio
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from bff.testing import Fault
from tests.product.scraping import SHIPPED, prometheus, samples, tools, total
from tests.product.world import PATIENCE, ROOT, World, world

DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "thali.json"
# Names in a PromQL expression that are ours; what scrapes and alerts have of their own (up, ALERTS) is not.
_NAMES = re.compile(r"\b(?:thali|process)_[a-z0-9_]+")
REQUESTS = 60


async def workers(product: World) -> set[int]:
    return {worker["pid"] for worker in (await product.stats())["workers"] if worker["state"] == "ready"}


async def replaced(product: World, before: set[int]) -> None:
    """Return when two workers are ready and not those: /stats is all that an operator can look at too."""
    async with asyncio.timeout(PATIENCE):
        while True:
            now = await workers(product)
            if len(now) == 2 and now != before:
                return
            await asyncio.sleep(0.05)


def is_up(found: Any) -> bool:  # Any: JSON of Prometheus' API
    return any(target["health"] == "up" for target in found["activeTargets"])


async def test_the_page_adds_up_two_workers_agrees_with_the_backends_and_never_goes_backwards(tmp_path: Path) -> None:
    async with world(tmp_path, BFF_SERVER__WORKERS="2", BFF_SERVER__DRAIN="0.1") as product:
        first = await total(product, "thali_requests_total")
        written = await total(product, "thali_upstream_written_total", service="restaurants")
        for _ in range(REQUESTS):  # each on a connection of its own, so that both workers have some
            answer = await product.get("/mobile/v1/search?limit=5", connection="close")
            assert answer.status_code == 200
        counted = await total(product, "thali_requests_total")
        assert counted - first == REQUESTS
        assert await total(product, "thali_requests_total", endpoint="/mobile/v1/search", status="2xx") == REQUESTS
        assert await total(product, "thali_request_duration_seconds_count", endpoint="/mobile/v1/search") == REQUESTS
        assert await total(product, "thali_screens_total", screen="search", result="complete") == REQUESTS
        assert await total(product, "thali_section_outcomes_total", section="results", status="ok") == REQUESTS
        seen = product.calls()["restaurants"]
        assert await total(product, "thali_upstream_written_total", service="restaurants") == seen + written

        before = await workers(product)
        os.kill(next(iter(before)), signal.SIGTERM)
        await replaced(product, before)
        assert await total(product, "thali_requests_total") == counted
        await product.get("/mobile/v1/search?limit=5", connection="close")
        assert await total(product, "thali_requests_total") == counted + 1


async def test_a_real_prometheus_scrapes_it_and_names_the_sick_service(tmp_path: Path) -> None:
    async with world(tmp_path) as product, prometheus(product, tmp_path) as watching:
        (target,) = (await watching.until("targets", is_up))["activeTargets"]
        assert target["lastError"] == ""
        product.backends.stub("reviews").fault = Fault("status", status=500)
        for _ in range(40):  # twice as many as a breaker needs to have an opinion
            assert (await product.get("/mobile/v1/search?limit=5")).status_code == 200
        found = await watching.until("alerts", lambda found: any(a["state"] == "firing" for a in found["alerts"]))
        named = {(a["labels"]["alertname"], a["labels"].get("service")) for a in found["alerts"]}
        assert ("ThaliBreakerOpen", "reviews") in named
        groups = (await watching.ask("rules"))["groups"]
        assert all(rule["health"] == "ok" and not rule.get("lastError") for group in groups for rule in group["rules"])
        answered = await watching.ask("query", query="sum(thali_requests_total)")
        assert float(answered["result"][0]["value"][1]) > 0


def test_the_shipped_rules_are_valid_and_go_off_when_they_should() -> None:
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(["promtool", *arguments], cwd=SHIPPED, env=tools(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


async def test_every_metric_that_a_rule_a_panel_or_the_page_names_is_scraped_and_every_metric_is_on_the_page(
    tmp_path: Path,
) -> None:
    page = (ROOT / "docs" / "observe.md").read_text()
    async with world(tmp_path, BFF_TRACES__ENDPOINT="http://127.0.0.1:9/v1/traces") as product:
        await product.get("/mobile/v1/home")
        product.backends.stub("reviews").fault = Fault("status", status=500)
        await product.get("/mobile/v1/home")
        scraped = {sample.name for sample in await samples(product)}
    for file in (SHIPPED / "rules.yml", DASHBOARD):
        named = set(_NAMES.findall(file.read_text()))
        assert named
        assert named <= scraped, file.name
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in scraped if name.startswith("thali_")}
    told = set(re.findall(r"^\| `(thali_[a-z_]+)`", page, re.MULTILINE))
    assert told == families
