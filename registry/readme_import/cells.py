"""Parsers for the text of table cells. Each returns None for a text it does not recognize."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from registry.schema.artifact import ArtifactKind, Container

ABSENT = ("", "-", "–", "—", "/", "n/a")
"""Texts of cells without a value."""

_NUMBER = r"[+-]?\d{1,9}(?:\.\d{1,9})?"
_SIZE = re.compile(r"(?<![\d.])(\d{2,4})\s*\\?[x*×]\s*(\d{2,4})(?![\d.])", re.IGNORECASE)
_TIME = re.compile(rf"({_NUMBER})\s*(?:ms)?", re.IGNORECASE)
_FIGURE = re.compile(rf"({_NUMBER})\s*%?(?:\s*\((.*)\))?")
_AMOUNT = re.compile(rf"({_NUMBER})\s*([kmg])?(?:\s*(?:flops|params))?", re.IGNORECASE)
_MILLIONS = {"k": 1e-3, "m": 1.0, "g": 1e3}


@dataclass(frozen=True)
class Size:
    """Input size.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
    """

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}*{self.width}"


@dataclass(frozen=True)
class Figure:
    """A number and the remark in parentheses after it.

    Attributes:
        value: The number.
        remark: Text in the parentheses, such as a difference to an older model.
    """

    value: float
    remark: str | None = None


@dataclass(frozen=True)
class NamedFigure:
    """A figure with the metric that precedes it in the cell."""

    metric: Literal["AP", "mAP"]
    figure: Figure


def normalize(text: str) -> str:
    """Replace full-width characters and remove escaping backslashes and repeated spaces."""
    narrow = unicodedata.normalize("NFKC", text)
    return re.sub(r"\s+", " ", re.sub(r"\\([*_|])", r"\1", narrow)).strip()


def is_absent(text: str) -> bool:
    """Whether a cell has no value."""
    return normalize(text).lower() in ABSENT


def parse_size(text: str) -> Size | None:
    r"""Parse the only input size in a text: ``128*96``, ``256\*192``, ``800 × 608``; height first."""
    found = {Size(int(height), int(width)) for height, width in _SIZE.findall(normalize(text))}
    return found.pop() if len(found) == 1 else None


def find_sizes(text: str) -> tuple[Size, ...]:
    """Find all input sizes in a text, in order: ``128x96``."""
    pairs = re.findall(r"(?<!\d)(\d{2,4})(?:x|\*|×)(\d{2,4})(?!\d)", normalize(text), re.IGNORECASE)
    return tuple(Size(int(height), int(width)) for height, width in pairs)


def parse_milliseconds(text: str) -> float | None:
    """Parse a time: ``4.57ms``, ``11.72 ms``, ``6.65``; None also for zero and negative numbers."""
    match = _TIME.fullmatch(normalize(text))
    value = float(match[1]) if match else 0.0
    return value if value > 0 else None


def parse_figure(text: str) -> Figure | None:
    """Parse an accuracy in percent: ``58.1``, ``93.5%``, ``77.1 (+9.1)``; None also outside 0 to 100."""
    match = _FIGURE.fullmatch(normalize(text))
    if not match or not 0 <= float(match[1]) <= 100:
        return None
    return Figure(float(match[1]), match[2] or None)


def parse_named_figure(text: str) -> NamedFigure | None:
    """Parse an accuracy after its metric: ``mAP:29.0``, ``AP: 87.1 (on internal dataset)``."""
    match = re.fullmatch(r"(mAP|AP)\s*:\s*(.+)", normalize(text))
    found = parse_figure(match[2]) if match else None
    if match is None or found is None:
        return None
    return NamedFigure("mAP" if match[1] == "mAP" else "AP", found)


def parse_millions(text: str, unit: str) -> float | None:
    """Parse an amount in millions: ``1.32 M``, ``326.24M``, or ``0.97`` in a column with (G) in its head.

    Args:
        text: The cell.
        unit: Unit of a number without one: ``K``, ``M`` or ``G``.
    """
    match = _AMOUNT.fullmatch(normalize(text))
    if not match or float(match[1]) <= 0:
        return None
    return round(float(match[1]) * _MILLIONS[(match[2] or unit).lower()], 6)


_KINDS: dict[str, ArtifactKind] = {
    ".pdparams": "weights",
    ".yml": "config",
    ".yaml": "config",
    ".log": "log",
    ".onnx": "onnx",
    ".nb": "lite",
    ".mnn": "mnn",
}
_CONTAINERS: dict[str, Container] = {".tar": "tar", ".zip": "zip", ".tgz": "tar.gz", ".gz": "tar.gz"}


def file_name(url: str) -> str:
    """Return the last part of a URL or path."""
    try:
        return PurePosixPath(urlsplit(url).path).name
    except ValueError:
        return PurePosixPath(url).name


def file_stem(url: str) -> str:
    """Return the file name of a URL or path without its extension."""
    name = file_name(url)
    return name.removesuffix(".gz").rsplit(".", 1)[0] if "." in name else name


def artifact_kind(url: str) -> ArtifactKind | None:
    """Return the kind of a file by its extension; None for archives, whose content is unknown."""
    return _KINDS.get(PurePosixPath(file_name(url)).suffix.lower())


def container_format(url: str) -> Container:
    """Return the archive format of a file by its extension."""
    return _CONTAINERS.get(PurePosixPath(file_name(url)).suffix.lower(), "file")


def is_archive(url: str) -> bool:
    """Whether a file is an archive, by its extension."""
    return container_format(url) != "file"
