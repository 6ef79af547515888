"""`?fields=` of a type that holds itself: as deep as GraphQL lets a client go, and not as deep as Python can recurse."""

from dataclasses import dataclass

import pytest

from bff.composition.inputs import BadInput
from bff.faces.wanted import MAX_DEPTH, selection_of


@dataclass
class Comment:
    text: str
    replies: "list[Comment]"


@dataclass
class Page:
    comment: Comment


def path(depth: int) -> str:
    return ".".join(["comment", *["replies"] * (depth - 2), "text"])


def test_a_path_as_deep_as_allowed_is_taken() -> None:
    assert selection_of(Page, None, path(MAX_DEPTH)) is not None


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 2_000])
def test_a_deeper_path_is_the_clients_fault(depth: int) -> None:
    with pytest.raises(BadInput) as told:
        selection_of(Page, None, path(depth))
    assert "deep" in told.value.faults[0].detail
    assert len(str(told.value)) < 200
