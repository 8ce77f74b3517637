"""Match the categories of an annotation file with the classes of a network, by name where possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.errors import UsageError

PERSON = 1
"""COCO's id of the person category."""

_PERSON_NAMES = ("person", "persons", "people", "pedestrian", "pedestrians", "human")
"""Names of a person class in common data sets, in order of preference."""

Category = Mapping[str, Any]


@dataclass(frozen=True)
class ClassMatch:
    """Categories of the classes of a network.

    Attributes:
        ids: Category id of each class, in the network's order; None for a class that the file does not list.
        note: How the classes were matched, if the reader should know; None otherwise.
    """

    ids: tuple[int | None, ...]
    note: str | None = None


def normalize_name(name: object) -> str:
    """Normalize a class name: case, spaces, hyphens and underscores do not distinguish names."""
    return " ".join(str(name).casefold().replace("_", " ").replace("-", " ").split())


def find_person(names: Sequence[object]) -> int | None:
    """Return the position of the person class; None if there is none.

    Args:
        names: Names of classes or categories.
    """
    normalized = [normalize_name(name) for name in names]
    return next((normalized.index(name) for name in _PERSON_NAMES if name in normalized), None)


def find_person_category(categories: Sequence[Category], file: Path) -> int:
    """Return the id of the person category: the one with such a name, or the only one.

    COCO's id is 1, but files of other tools count from 0 or list other classes first.

    Args:
        categories: COCO's category objects.
        file: Annotation file, for the error.

    Raises:
        UsageError: ``no-person-category``.
    """
    position = find_person([category.get("name") for category in categories])
    if position is not None:
        name = normalize_name(categories[position].get("name"))
        ids = {each["id"] for each in categories if normalize_name(each.get("name")) == name}
    else:
        ids = {category["id"] for category in categories} or {PERSON}
    if len(ids) == 1:
        return int(ids.pop())
    raise UsageError(
        "no-person-category",
        f"cannot tell which category in {file} is person",
        expected="one category named person, or a single category",
        found=_list_categories(categories),
        hint="set the name of that category to person in the file",
    )


def match_classes(
    categories: Sequence[Category], used: Collection[int], classes: Sequence[str], file: Path
) -> ClassMatch:
    """Match the classes of a network with the categories of an annotation file.

    Classes are matched by name if the file has their names, whatever the order and ids of its categories. If
    the two sides have no name in common, for example because the file has none, they are matched by order.
    Categories and classes without a partner are accepted only while no annotation uses them.

    Args:
        categories: COCO's category objects.
        used: Ids of the categories that have annotations.
        classes: Names of the network's classes.
        file: Annotation file, for errors.

    Raises:
        UsageError: ``classes-mismatch``.
    """
    ordered = sorted(categories, key=lambda category: int(category["id"]))
    names = _normalize_all([category.get("name") for category in ordered])
    wanted = _normalize_all(classes)
    common = set(names) & set(wanted)
    unique = all(side.count(name) == 1 for side in (names, wanted) for name in common)
    if common and unique:
        by_name = dict(zip(names, (category["id"] for category in ordered), strict=True))
        ids = tuple(by_name.get(name) for name in wanted)
        if set(used) <= set(ids):
            return ClassMatch(ids, None if names == wanted else _describe_match(ids, classes))
    if common or len(ordered) != len(classes):
        raise _mismatch_error(ordered, used, classes, file)
    pairs = ", ".join(
        f"{name} = {category['id']} {category.get('name')}"
        for name, category in list(zip(classes, ordered, strict=True))[:3]
    )
    more = ", …" if len(classes) > 3 else ""
    note = f"the names of classes and categories differ, so they were matched by order: {pairs}{more}"
    return ClassMatch(tuple(category["id"] for category in ordered), note)


def _normalize_all(names: Sequence[object]) -> list[str]:
    """Normalize names; a single person class is called person, whatever synonym the data set uses."""
    normalized = [normalize_name(name) for name in names]
    if sum(name in _PERSON_NAMES for name in normalized) == 1:
        normalized = ["person" if name in _PERSON_NAMES else name for name in normalized]
    return normalized


def _describe_match(ids: Sequence[int | None], classes: Sequence[str]) -> str:
    missing = [name for name, number in zip(classes, ids, strict=True) if number is None]
    reason = f"the file has no category for {_shorten(missing)}" if missing else "the orders differ"
    return f"classes and categories were matched by name: {reason}"


def _mismatch_error(
    ordered: Sequence[Category], used: Collection[int], classes: Sequence[str], file: Path
) -> UsageError:
    annotated = [category for category in ordered if category["id"] in used]
    return UsageError(
        "classes-mismatch",
        f"the categories of {file} are not the classes of the network",
        expected=f"{len(classes)} classes: {_shorten(list(classes))}",
        found=f"{len(ordered)} categories; with annotations: {_list_categories(annotated)}",
        hint="rename the categories to the network's classes, or pass other annotations with --annotations",
    )


def _list_categories(categories: Sequence[Category]) -> str:
    return ", ".join(f"{each['id']} {each.get('name')}" for each in categories)[:200] or "none"


def _shorten(names: Sequence[str], limit: int = 10) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
