"""What holds for every HTTP service: refusals, batches, pages."""

import pytest

from backends.running import Backends
from tests.backends.conftest import Asking


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("users", "/users/99999"),
        ("users", "/users/ada"),
        ("users", "/nothing"),
        ("restaurants", "/restaurants/501"),
        ("restaurants", "/restaurants/501/menu"),
        ("restaurants", "/pictures/9999999.jpg"),
        ("orders", "/orders/999999"),
        ("orders", "/orders/99999999999999999999999"),
        ("geocoder", "/areas/Atlantis"),
    ],
)
async def test_what_does_not_exist_is_404_with_an_error(ask: Asking, service: str, path: str) -> None:
    answer = await ask(service, path)
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("no ")


async def test_another_method_is_405_and_says_which_are_allowed(ask: Asking) -> None:
    answer = await ask("users", "/users/7", "DELETE")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")


async def test_head_is_answered_as_get_without_the_body(ask: Asking) -> None:
    head, whole = await ask("users", "/users/7", "HEAD"), await ask("users", "/users/7")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("users", "/users?id="),
        ("users", "/users?id=99999&id=x"),
        ("restaurants", "/restaurants?id=501"),
        ("restaurants", "/dishes?id=8001"),
        ("inventory", "/stock?dish=8001"),
        ("reviews", "/ratings?restaurant=501"),
    ],
)
async def test_a_batch_leaves_out_what_does_not_exist(ask: Asking, service: str, path: str) -> None:
    answer = await ask(service, path)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("service", "path", "name"),
    [
        ("users", "/users", "id"),
        ("restaurants", "/restaurants", "id"),
        ("restaurants", "/dishes", "id"),
        ("inventory", "/stock", "dish"),
        ("reviews", "/ratings", "restaurant"),
    ],
)
async def test_a_batch_takes_a_hundred_and_no_more(ask: Asking, service: str, path: str, name: str) -> None:
    def asked(count: int) -> str:
        return f"{path}?" + "&".join(f"{name}={key}" for key in range(1, count + 1))

    assert len((await ask(service, asked(100))).json()) == 100
    assert (await ask(service, asked(101))).status_code == 422
    assert (await ask(service, asked(0))).status_code == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "cursor=!!", "cursor=eA", "user=ada", ""])
async def test_bad_values_are_422(ask: Asking, query: str) -> None:
    more = "" if query in ("", "user=ada") else "user=7&"
    answer = await ask("orders", f"/orders?{more}{query}")
    assert answer.status_code == 422
    assert "error" in answer.json()


async def test_pages_follow_each_other_to_the_end_without_gap_or_repeat(ask: Asking) -> None:
    for service, path in (
        ("orders", "/orders?user=7"),
        ("reviews", "/reviews?restaurant=1"),
        ("restaurants", "/restaurants/search?cuisine=INDIAN&cuisine=KOREAN"),
        ("notifications", "/notifications?user=7"),
    ):
        whole = (await ask(service, f"{path}&limit=100")).json()
        met: list[object] = []
        cursor = ""
        while len(met) < len(whole["items"]):
            part = (await ask(service, f"{path}&limit=4&cursor={cursor}")).json()
            met += part["items"]
            cursor = part["next"]
        assert met[: len(whole["items"])] == whole["items"]
        assert (cursor is None) == (whole["next"] is None and len(met) == len(whole["items"]))


async def test_a_limit_above_the_cap_gives_the_cap(ask: Asking) -> None:
    assert len((await ask("restaurants", "/restaurants/popular?limit=400")).json()["items"]) == 100


async def test_two_instances_of_restaurants_answer_alike(backends: Backends, ask: Asking) -> None:
    first, second = backends.addresses("restaurants")
    assert first != second
    assert (await ask("restaurants", "/restaurants/1")).status_code == 200
    assert (backends.stub("restaurants", 0).counters.calls, backends.stub("restaurants", 1).counters.calls) == (1, 0)
