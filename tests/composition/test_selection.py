"""A selection: names, and what is wanted below each."""

from bff.composition.selection import chosen, from_paths


def test_paths_become_names_with_what_is_wanted_below_them() -> None:
    paths = [("viewer",), ("picks", "name"), ("picks", "badge", "tier"), ("picks", "badge", "name")]
    assert from_paths(paths) == (("viewer", None), ("picks", (("name", None), ("badge", (("tier", None), ("name", None))))))


def test_a_whole_name_wins_over_parts_of_it_whichever_came_first() -> None:
    assert from_paths([("a",), ("a", "b")]) == from_paths([("a", "b"), ("a",)]) == (("a", None),)
    assert from_paths([("a", "b", "c"), ("a", "b"), ("a", "d")]) == (("a", (("b", None), ("d", None))),)


def test_a_name_wanted_twice_stands_once_in_the_order_of_first_mention() -> None:
    assert from_paths([("b",), ("a",), ("b",)]) == (("b", None), ("a", None))


def test_no_selection_wants_everything_and_an_empty_one_nothing() -> None:
    assert chosen(None, "a") == (True, None)
    assert chosen((), "a") == (False, None)
    assert chosen((("a", (("b", None),)),), "a") == (True, (("b", None),))
    assert chosen((("a", None),), "b") == (False, None)


def test_equal_selections_are_one_key() -> None:
    assert len({from_paths([("a", "b")]), from_paths([("a", "b"), ("a", "b")])}) == 1
