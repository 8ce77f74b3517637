"""Class labels of an own detector, from the command line or from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.errors import UsageError
from registry.printable import printable
from zoo.local_models.text_file import read_json, read_text

_FILE_SUFFIXES = (".txt", ".json", ".names", ".labels", ".lst", ".csv")


def parse_labels(text: str) -> tuple[str, ...]:
    """Read class labels, in the order of the network's classes.

    Args:
        text: Labels separated by commas, or the path of a file. A text file has one label per line. Of a
            COCO annotation file (``.json``), the names of the categories are read, in the order of their ids,
            which is the order in which PaddleDetection numbers classes.

    Raises:
        NotFoundError: ``path-unreadable``.
        UsageError: ``labels-malformed``, or as for `read_text`.
    """
    path = Path(text)
    if not _is_file_name(text):
        labels = [label.strip() for label in text.split(",")]
    elif path.suffix.lower() == ".json":
        labels = _category_names(path, read_json(path, "--labels"))
    else:
        labels = [line.strip() for line in read_text(path, "--labels").splitlines() if line.strip()]
    _check(text, labels)
    return tuple(labels)


def _is_file_name(text: str) -> bool:
    if "," in text:
        return False
    path = Path(text)
    return "/" in text or "\\" in text or path.suffix.lower() in _FILE_SUFFIXES or path.is_file()


def _category_names(path: Path, document: Any) -> list[str]:
    categories = document.get("categories") if isinstance(document, dict) else None
    listed = categories if isinstance(categories, list) else []
    named = [each for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)]
    if not named or len(named) != len(listed) or not all(isinstance(each.get("id"), int) for each in named):
        raise _malformed(str(path), "no list of categories with id and name")
    return [each["name"] for each in sorted(named, key=lambda each: int(each["id"]))]


def _check(text: str, labels: Sequence[str]) -> None:
    if not labels or not all(labels):
        raise _malformed(text, "an empty label" if labels else "no label")
    strange = [label for label in labels if printable(label) != label]
    if strange:
        raise _malformed(text, f"a label with control characters: {printable(strange[0])[:80]}")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise _malformed(text, f"labels that occur twice: {', '.join(twice)[:200]}")


def _malformed(text: str, found: str) -> UsageError:
    return UsageError(
        "labels-malformed",
        f"cannot read class labels from {printable(text)[:80]}",
        expected="different labels: separated by commas, or in a text file with one per line",
        found=found,
        hint="--labels A,B,C or --labels FILE",
    )
