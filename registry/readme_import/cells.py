"""What stands in a table cell, as a value. Each parser gives None for a cell that says nothing it knows."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from registry.schema.artifact import ArtifactKind, Container

ABSENT = ("", "-", "–", "—", "/", "n/a")
"""How tables say that there is nothing."""

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
        height: Rows, in pixels.
        width: Columns, in pixels.
    """

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}*{self.width}"


@dataclass(frozen=True)
class Figure:
    """A number with what stands in brackets behind it.

    Attributes:
        value: The number.
        remark: The brackets' content, such as a difference to an older model.
    """

    value: float
    remark: str | None = None


@dataclass(frozen=True)
class NamedFigure:
    """A figure with the metric it is said to be of."""

    metric: Literal["AP", "mAP"]
    figure: Figure


def plain(text: str) -> str:
    """A text without full-width characters, backslashes before symbols, and runs of blanks."""
    narrow = unicodedata.normalize("NFKC", text)
    return re.sub(r"\s+", " ", re.sub(r"\\([*_|])", r"\1", narrow)).strip()


def is_absent(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return plain(text).lower() in ABSENT


def size(text: str) -> Size | None:
    r"""The one input size in a text: ``128*96``, ``256\*192``, ``320x320``, ``800 × 608``; height first."""
    found = {Size(int(height), int(width)) for height, width in _SIZE.findall(plain(text))}
    return found.pop() if len(found) == 1 else None


def sizes(text: str) -> tuple[Size, ...]:
    """Every input size in a text, in order; ``128x96``, or ``128_96`` in file names."""
    pairs = re.findall(r"(?<!\d)(\d{2,4})(?:x|\*|×)(\d{2,4})(?!\d)", plain(text), re.IGNORECASE)
    return tuple(Size(int(height), int(width)) for height, width in pairs)


def milliseconds(text: str) -> float | None:
    """A time: ``4.57ms``, ``11.72 ms``, ``6.65``; None also for what is not above zero."""
    match = _TIME.fullmatch(plain(text))
    value = float(match[1]) if match else 0.0
    return value if value > 0 else None


def figure(text: str) -> Figure | None:
    """An accuracy in percent: ``58.1``, ``93.5%``, ``77.1 (+9.1)``; None also outside 0 to 100."""
    match = _FIGURE.fullmatch(plain(text))
    if not match or not 0 <= float(match[1]) <= 100:
        return None
    return Figure(float(match[1]), match[2] or None)


def named_figure(text: str) -> NamedFigure | None:
    """An accuracy with its metric before it: ``mAP:29.0``, ``AP: 87.1 (on internal dataset)``."""
    match = re.fullmatch(r"(mAP|AP)\s*:\s*(.+)", plain(text))
    found = figure(match[2]) if match else None
    if match is None or found is None:
        return None
    return NamedFigure("mAP" if match[1] == "mAP" else "AP", found)


def millions(text: str, unit: str) -> float | None:
    """An amount in millions: ``1.32 M``, ``326.24M``, ``0.97`` below a head that says (G).

    Args:
        text: The cell.
        unit: ``K``, ``M`` or ``G``: what a bare number counts.
    """
    match = _AMOUNT.fullmatch(plain(text))
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
    """Last part of an address or path."""
    try:
        return PurePosixPath(urlsplit(url).path).name
    except ValueError:
        return PurePosixPath(url).name


def stem(url: str) -> str:
    """Name of the file an address leads to, without its ending."""
    name = file_name(url)
    return name.removesuffix(".gz").rsplit(".", 1)[0] if "." in name else name


def kind(url: str) -> ArtifactKind | None:
    """What a file is by its ending; None for archives, which can hold anything."""
    return _KINDS.get(PurePosixPath(file_name(url)).suffix.lower())


def container(url: str) -> Container:
    """How a file is packed, by its ending."""
    return _CONTAINERS.get(PurePosixPath(file_name(url)).suffix.lower(), "file")


def is_archive(url: str) -> bool:
    """Whether a file is an archive, by its ending."""
    return container(url) != "file"
