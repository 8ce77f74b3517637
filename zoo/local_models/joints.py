"""Joints of an own pose network: names, skeleton, flip pairs and similarity constants.

They are read from a YAML file, or from the category of a COCO annotation file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveFloat, ValidationError, model_validator

from registry.errors import UsageError
from registry.safe_yaml import YamlError, read_yaml
from registry.schema.base import CatalogModel, Line
from registry.schema.io import JointPair
from zoo.datasets.categories import normalize_name
from zoo.local_models.text_file import read_json, read_text

_EXAMPLE = "names: [tip, base]\\nskeleton: [[tip, base]]"
_FIELDS = ("names", "skeleton", "flip_pairs", "sigmas")
_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}


class JointSet(CatalogModel):
    """Joints of a pose network.

    Attributes:
        names: Names in the order of the heat maps.
        skeleton: Pairs of indexes that a drawing connects.
        flip_pairs: Pairs of indexes that swap when the image is mirrored; empty if none do, None if it is not
            known.
        sigmas: Constant of each joint for object keypoint similarity; None if they are not known.
    """

    names: Annotated[tuple[Line, ...], Field(min_length=1)]
    skeleton: tuple[JointPair, ...] = ()
    flip_pairs: tuple[JointPair, ...] | None = None
    sigmas: tuple[PositiveFloat, ...] | None = None

    @model_validator(mode="after")
    def _check_counts(self) -> JointSet:
        count = len(self.names)
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"joint names must be unique: {', '.join(twice)}")
        for field in ("skeleton", "flip_pairs"):
            if any(max(pair) >= count or pair[0] == pair[1] for pair in getattr(self, field) or ()):
                raise ValueError(f"{field} must pair two different joints")
        swapped = [index for pair in self.flip_pairs or () for index in pair]
        if len(set(swapped)) != len(swapped):
            raise ValueError("flip_pairs must name a joint once at most")
        if self.sigmas is not None and len(self.sigmas) != count:
            raise ValueError(f"sigmas needs {count} values, one a joint")
        return self


def read_joints(path: Path) -> JointSet:
    """Read joints from a file.

    A YAML file has the fields ``names``, ``skeleton``, ``flip_pairs`` and ``sigmas``; pairs are two names or
    two indexes from 0. Of a COCO annotation file (``.json``), the only category with ``keypoints`` is read,
    as by `category_joints`.

    Args:
        path: The file.

    Raises:
        NotFoundError: ``path-unreadable``.
        UsageError: ``joints-malformed``, or as for `read_text`.
    """
    if path.suffix.lower() == ".json":
        return _read_annotation_file(path)
    try:
        content = read_yaml(read_text(path, "--joints"))
    except YamlError as error:
        raise _malformed(path, f"line {error.line}: {error.problem}") from None
    if not isinstance(content, dict) or set(content) - set(_FIELDS):
        unknown = ", ".join(sorted(set(content) - set(_FIELDS))) if isinstance(content, dict) else ""
        raise _malformed(path, f"unknown fields: {unknown}" if unknown else "no mapping of fields")
    return _checked(path, content | _indexed_pairs(path, content))


def category_joints(category: Mapping[str, Any]) -> JointSet | None:
    """Read the joints of a category of a COCO annotation file.

    Flip pairs follow from the names, if all joints with a side have a partner: ``left_eye`` and
    ``right_eye``. COCO's skeleton counts joints from 1; one with other numbers is left out.

    Args:
        category: COCO's category object.

    Returns:
        The joints; None if the category has no list of joint names.
    """
    names = category.get("keypoints")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return None
    try:
        return JointSet(
            names=tuple(names),
            skeleton=_coco_skeleton(category.get("skeleton"), len(names)),
            flip_pairs=pair_sides(names),
        )
    except ValidationError:  # names that are empty, repeated or not printable
        return None


def pair_sides(names: Sequence[str]) -> tuple[JointPair, ...] | None:
    """Pair the joints of the left and the right side by their names.

    Args:
        names: Names of the joints.

    Returns:
        Pairs of indexes; None if no name has a side, or if a joint has no partner.
    """
    words = [tuple(normalize_name(name).split()) for name in names]
    places = {name: index for index, name in enumerate(words)}
    pairs = []
    for index, name in enumerate(words):
        partner = tuple(_SIDES.get(word, word) for word in name)
        if partner == name:
            continue
        if partner not in places:
            return None
        pairs += [(index, places[partner])] if index < places[partner] else []
    return tuple(pairs) or None


def parse_sigmas(text: str) -> tuple[float, ...]:
    """Read constants for keypoint similarity: numbers separated by commas, or a file of numbers.

    Args:
        text: The numbers, or the path of a file with numbers separated by commas, spaces or line breaks.

    Raises:
        NotFoundError: ``path-unreadable``.
        UsageError: ``sigmas-malformed``, or as for `read_text`.
    """
    numbers = _numbers(text.split(","))
    if numbers is None:
        numbers = _numbers(read_text(Path(text), "--sigmas").replace(",", " ").split())
    if not numbers or not all(0 < value < float("inf") for value in numbers):
        raise UsageError(
            "sigmas-malformed",
            f"{text[:80]} does not contain similarity constants",
            expected="numbers above 0, separated by commas",
            hint="--sigmas 0.026,0.025,… with one number per joint, or --sigmas FILE",
        )
    return tuple(numbers)


def _numbers(words: Iterable[str]) -> list[float] | None:
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _read_annotation_file(path: Path) -> JointSet:
    document = read_json(path, "--joints")
    categories = document.get("categories") if isinstance(document, dict) else None
    found = [
        joints
        for category in (categories if isinstance(categories, list) else ())
        if isinstance(category, dict) and (joints := category_joints(category)) is not None
    ]
    if len(found) != 1:
        raise _malformed(path, f"{len(found)} categories with a list of keypoints")
    return found[0]


def _coco_skeleton(value: object, count: int) -> tuple[JointPair, ...]:
    pairs = [tuple(pair) for pair in value if isinstance(pair, list)] if isinstance(value, list) else []
    valid = all(
        len(pair) == 2 and all(type(each) is int and 1 <= each <= count for each in pair) for pair in pairs
    )
    return tuple((a - 1, b - 1) for a, b in pairs if a != b) if valid else ()


def _indexed_pairs(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Replace names by indexes in the pairs of joints."""
    names = content.get("names")
    # Names that are not texts are reported by the schema; here they only cannot be looked up.
    texts = [str(name) for name in names] if isinstance(names, list) else []
    places = {name: index for index, name in enumerate(texts)}
    pairs: dict[str, Any] = {}
    for field in ("skeleton", "flip_pairs"):
        value = content.get(field)
        if not isinstance(value, list):
            continue
        listed = [pair if isinstance(pair, list) else [pair] for pair in value]
        strangers = {str(each) for pair in listed for each in pair if isinstance(each, str)} - set(places)
        if strangers:
            raise _malformed(path, f"{field} names other joints: {', '.join(sorted(strangers)[:5])}")
        pairs[field] = [[places[each] if isinstance(each, str) else each for each in pair] for pair in listed]
    return pairs


def _checked(path: Path, content: Mapping[str, Any]) -> JointSet:
    try:
        return JointSet.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _malformed(path, f"{where}: {first['msg']}" if where else first["msg"]) from None


def _malformed(path: Path, found: str) -> UsageError:
    return UsageError(
        "joints-malformed",
        f"cannot read joints from {path}",
        expected="a YAML file with names and, if known, skeleton, flip_pairs and sigmas; or a COCO "
        "annotation file with one category that has keypoints",
        found=found,
        hint=f"printf '{_EXAMPLE}\\n' > joints.yml, and --joints joints.yml",
    )
