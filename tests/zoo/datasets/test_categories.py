"""Classes of a network and categories of an annotation file: matched by name, else by order, else refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import UsageError
from zoo.datasets.categories import find_person, find_person_category, match_classes

FILE = Path("annotations.json")


def categories(**names: int) -> list[dict[str, object]]:
    return [{"id": number, "name": name} for name, number in names.items()]


@pytest.mark.parametrize(
    ("names", "position"),
    [
        (("person",), 0),
        (("Person",), 0),
        (("car", "PEDESTRIAN"), 1),
        (("people", "pedestrian", "person"), 2),
        (("head", "human"), 1),
        (("table", "figure"), None),
        ((), None),
    ],
)
def test_the_person_class_has_several_names(names: tuple[str, ...], position: int | None) -> None:
    assert find_person(names) == position


def test_the_person_category_is_the_named_or_the_only_one() -> None:
    assert find_person_category(categories(car=1, Pedestrian=5), FILE) == 5
    assert find_person_category(categories(worker=3), FILE) == 3
    assert find_person_category([], FILE) == 1
    for ambiguous in (categories(car=1, bus=2), [*categories(person=1), {"id": 2, "name": "Person"}]):
        with pytest.raises(UsageError) as caught:
            find_person_category(ambiguous, FILE)
        assert caught.value.code == "no-person-category"


@pytest.mark.parametrize(
    ("listed", "used", "ids"),
    [
        pytest.param(categories(helmet=1, person=2, vest=3), {1, 2, 3}, (1, 2, 3), id="same order"),
        pytest.param(categories(person=1, helmet=2, vest=3), {1, 2, 3}, (2, 1, 3), id="another order"),
        pytest.param(categories(vest=0, helmet=7, person=9), {0, 7, 9}, (7, 9, 0), id="other ids"),
        pytest.param(categories(Helmet=1, Pedestrian=2, VEST=3), {1}, (1, 2, 3), id="other spelling"),
        pytest.param(categories(helmet=1, person=2, vest=3, dog=4), {1, 2}, (1, 2, 3), id="unused extra"),
        pytest.param(categories(person=2, vest=3), {2, 3}, (None, 2, 3), id="missing and unused"),
        pytest.param(categories(a=1, b=2, c=3), {1, 2, 3}, (1, 2, 3), id="no common name: by order"),
        pytest.param([{"id": n} for n in (1, 2, 3)], {1}, (1, 2, 3), id="no names: by order"),
    ],
)
def test_classes_are_matched(
    listed: list[dict[str, object]], used: set[int], ids: tuple[int | None, ...]
) -> None:
    match = match_classes(listed, used, ("helmet", "person", "vest"), FILE)
    assert match.ids == ids
    same = [str(each.get("name")).casefold() for each in listed]
    assert (match.note is None) == (same in (["helmet", "person", "vest"], ["helmet", "pedestrian", "vest"]))


@pytest.mark.parametrize(
    ("listed", "used"),
    [
        pytest.param(categories(helmet=1, person=2, vest=3, dog=4), {4}, id="used extra"),
        pytest.param(categories(helmet=1, person=2, jacket=3), {3}, id="some other names"),
        pytest.param(categories(a=1, b=2), {1}, id="other names and another number"),
        pytest.param([*categories(helmet=1, person=2), {"id": 3, "name": "Helmet"}], {1}, id="ambiguous"),
    ],
)
def test_categories_that_cannot_be_matched_are_refused(
    listed: list[dict[str, object]], used: set[int]
) -> None:
    with pytest.raises(UsageError) as caught:
        match_classes(listed, used, ("helmet", "person", "vest"), FILE)
    assert caught.value.code == "classes-mismatch"
    assert "helmet, person, vest" in (caught.value.expected or "")
