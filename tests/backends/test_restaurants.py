"""Restaurants, menus, pictures."""

from tests.backends.conftest import Asking


async def test_a_restaurant_has_its_shape(ask: Asking) -> None:
    one = (await ask("restaurants", "/restaurants/1")).json()
    assert set(one) == {
        "id", "name", "cuisine", "area", "position", "delivery_fee", "delivery_minutes", "hours", "price_level",
        "picture_url",
    }  # fmt: skip
    assert one["delivery_fee"].keys() == {"amount", "currency"}
    assert (await ask("restaurants", "/restaurants?id=1")).json() == [one]


async def test_lists_hold_what_they_are_named_for(ask: Asking) -> None:
    near = (await ask("restaurants", "/restaurants/near?area=Neuk%C3%B6lln&limit=5")).json()["items"]
    assert [one["area"] for one in near] == ["Neukölln"] * 5
    gold = (await ask("restaurants", "/restaurants/recommended?user_tier=GOLD&limit=5")).json()["items"]
    assert min(one["price_level"] for one in gold) >= 3
    assert len((await ask("restaurants", "/restaurants/popular?limit=3")).json()["items"]) == 3
    assert (await ask("restaurants", "/restaurants/near")).status_code == 422
    assert (await ask("restaurants", "/restaurants/recommended?user_tier=TIN")).status_code == 422


async def test_search_by_words_and_cuisines(ask: Asking) -> None:
    found = (await ask("restaurants", "/restaurants/search?q=gOLDen&cuisine=INDIAN&cuisine=KOREAN")).json()["items"]
    assert found
    assert all("Golden" in one["name"] and one["cuisine"] in ("INDIAN", "KOREAN") for one in found)
    assert (await ask("restaurants", "/restaurants/search?q=100%25")).json() == {"items": [], "next": None}
    assert (await ask("restaurants", "/restaurants/search?cuisine=MARTIAN")).status_code == 422


async def test_a_menu_holds_four_dishes_a_category(ask: Asking) -> None:
    menu = (await ask("restaurants", "/restaurants/1/menu")).json()
    assert [(one["id"], one["title"], len(one["dishes"])) for one in menu["categories"]] == [
        ("STARTERS", "Starters", 4), ("MAINS", "Mains", 4), ("SIDES", "Sides", 4), ("DESSERTS", "Desserts", 4),
    ]  # fmt: skip
    dish = menu["categories"][0]["dishes"][0]
    assert (await ask("restaurants", f"/dishes?id={dish['id']}")).json() == [dish]


async def test_cuisines_and_promotions(ask: Asking) -> None:
    cuisines = (await ask("restaurants", "/cuisines")).json()["items"]
    assert sum(one["restaurants"] for one in cuisines) == 500
    [first, *_] = (await ask("restaurants", "/promotions?area=Kreuzberg")).json()["items"]
    assert set(first) == {"id", "restaurant_id", "title", "percent", "code", "ends_at"}


async def test_a_picture_is_a_jpeg_that_can_be_asked_for_again_cheaply(ask: Asking) -> None:
    whole = await ask("restaurants", "/pictures/7.jpg")
    assert (whole.headers["content-type"], whole.headers["content-length"]) == ("image/jpeg", str(len(whole.content)))
    assert 50_000 <= len(whole.content) <= 2_100_000
    assert (whole.content[:4], whole.content[6:10], whole.content[-2:]) == (b"\xff\xd8\xff\xe0", b"JFIF", b"\xff\xd9")
    again = await ask("restaurants", "/pictures/7.jpg", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
