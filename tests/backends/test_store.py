"""The data: built alike every time, rebuilt when it is of another version, and full for Ada."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backends.schema import VERSION
from backends.store import Store, folder, load, version_of

TABLES = (
    "users", "addresses", "favourites", "areas", "restaurants", "dishes", "promotions", "stock", "orders", "lines",
    "methods", "payments", "couriers", "deliveries", "reviews", "ratings", "notifications", "banners",
)  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Store:
    return load(folder())


def digest(store: Store) -> str:
    sums = hashlib.sha256()
    for table in TABLES:
        for row in store.rows(f"SELECT * FROM {table}"):
            sums.update(repr(tuple(row)).encode())
    return sums.hexdigest()


def count(store: Store, table: str) -> int:
    [row] = store.rows(f"SELECT COUNT(*) AS count FROM {table}")
    return int(row["count"])


@pytest.mark.slow
def test_a_file_of_another_version_is_built_anew_and_comes_out_the_same(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "demo.sqlite3")) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with closing(load(tmp_path)) as again:
        assert digest(again) == digest(store), "the seed changed: raise VERSION in backends/schema.py"
    assert [file.name for file in tmp_path.iterdir() if "draft" in file.name] == []


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THALI_DATA", str(tmp_path))
    assert folder() == tmp_path
    assert version_of(tmp_path / "demo.sqlite3") == 0


def test_the_sizes_are_believable(store: Store) -> None:
    sizes = {"users": 2_000, "restaurants": 500, "dishes": 8_000, "orders": 30_000, "reviews": 60_000, "stock": 8_000}
    assert {table: count(store, table) for table in sizes} == sizes


def test_what_is_written_is_gone_with_the_copy(store: Store) -> None:
    with closing(load(folder())) as copy:
        copy.write("DELETE FROM areas")
        assert count(copy, "areas") == 0
    with closing(load(folder())) as fresh:
        assert count(fresh, "areas") == 10


def test_ids_of_orders_and_reviews_grow_with_time(store: Store) -> None:
    for table, column in (("orders", "placed_at"), ("reviews", "made_at"), ("notifications", "made_at")):
        times = [row[column] for row in store.rows(f"SELECT {column} FROM {table} ORDER BY id")]
        assert times == sorted(times)


def test_every_row_points_at_rows_that_exist(store: Store) -> None:
    for table, column, target in (
        ("dishes", "restaurant_id", "restaurants"),
        ("orders", "user_id", "users"),
        ("lines", "dish_id", "dishes"),
        ("payments", "method_id", "methods"),
        ("deliveries", "order_id", "orders"),
        ("reviews", "restaurant_id", "restaurants"),
        ("favourites", "restaurant_id", "restaurants"),
    ):
        assert not store.rows(f"SELECT 1 FROM {table} WHERE {column} NOT IN (SELECT id FROM {target}) LIMIT 1")


def test_ada_has_something_of_everything(store: Store) -> None:
    def has(table: str, more: str = "1") -> int:
        [row] = store.rows(f"SELECT COUNT(*) AS count FROM {table} WHERE user_id = 7 AND {more}")
        return int(row["count"])

    [ada] = store.rows("SELECT * FROM users WHERE id = 7")
    assert (ada["name"], ada["email"], ada["tier"]) == ("Ada Lovelace", "ada@example.com", "GOLD")
    assert has("orders") == 14
    [active] = store.rows("SELECT * FROM orders WHERE user_id = 7 AND status = 'ON_THE_WAY'")
    [delivery] = store.rows("SELECT * FROM deliveries WHERE order_id = ?", active["id"])
    assert (delivery["status"], delivery["eta_seconds"] > 0) == ("UNDER_WAY", True)
    assert (has("favourites"), has("addresses"), has("methods")) == (6, 2, 3)
    assert (has("notifications"), has("notifications", "NOT is_read")) == (5, 3)
    assert has("reviews") >= 5
