"""Entries as rows: the published tables in Markdown, and flat rows for CSV and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.schema.artifact import ArtifactKind, Precision, Target
    from registry.schema.entry import Entry, Task

MISSING = "-"
PHONE = "Snapdragon 865"
"""The device of the published tables' latency columns."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        heading: Text of the head cell.
        cell: Text of an entry's cell.
    """

    heading: str
    cell: Callable[[Entry], str]


@dataclass(frozen=True)
class Published:
    """A table as upstream prints it.

    Attributes:
        title: Heading above it.
        columns: Its columns, left to right.
    """

    title: str
    columns: tuple[Column, ...]


def phone_latency(entry: Entry, precision: Precision) -> float | None:
    """Milliseconds of the network alone on the tables' phone, or None where nothing was published."""
    for latency in entry.latency:
        same_scope = latency.device == PHONE and latency.scope == "network"
        if same_scope and latency.precision == precision:
            return latency.milliseconds
    return None


def _size(entry: Entry) -> str:
    return f"{entry.input.height}*{entry.input.width}"


def _accuracy(entry: Entry) -> str:
    return f"{entry.accuracy[0].value:.1f}" if entry.accuracy else MISSING


def _latency(precision: Precision) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        milliseconds = phone_latency(entry, precision)
        return MISSING if milliseconds is None else f"{milliseconds:.2f}ms"

    return cell


def _link(
    text: str, kind: ArtifactKind, precision: Precision | None = None, target: Target | None = None
) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        artifact = entry.artifact(kind, precision, target)
        return f"[{text}]({artifact.urls[0]})" if artifact else MISSING

    return cell


def _published(title: str, metric: str, latency: str) -> Published:
    return Published(
        title,
        (
            Column("Model", lambda entry: entry.title),
            Column("Input Size", _size),
            Column(metric, _accuracy),
            Column(f"{latency} (FP32)", _latency("fp32")),
            Column(f"{latency} (FP16)", _latency("fp16")),
            Column("Config", _link("Config", "config")),
            Column("Model Weights", _link("Model", "weights")),
            Column("Deployment Model", _link("Deployment Model", "inference")),
            Column("Paddle-Lite Model (FP32)", _link("Lite Model", "lite", "fp32", "arm")),
            Column("Paddle-Lite Model (FP16)", _link("Lite Model(FP16)", "lite", "fp16", "arm")),
        ),
    )


PUBLISHED: dict[Task, Published] = {
    "keypoint_detection": _published(
        "Keypoint Detection Model", "AP (COCO Val)", "Inference Time for Single Person"
    ),
    "object_detection": _published("Pedestrian Detection Model", "mAP (COCO Val)", "Average Inference Time"),
}

FLAT = (
    Column("name", lambda entry: entry.name),
    Column("release", lambda entry: entry.release),
    Column("task", lambda entry: entry.task),
    Column("input", lambda entry: f"{entry.input.height}x{entry.input.width}"),
    Column("metric", lambda entry: entry.accuracy[0].metric if entry.accuracy else ""),
    Column("ap", lambda entry: f"{entry.accuracy[0].value:.1f}" if entry.accuracy else ""),
    Column("sd865_fp32_ms", lambda entry: _plain(phone_latency(entry, "fp32"))),
    Column("sd865_fp16_ms", lambda entry: _plain(phone_latency(entry, "fp16"))),
    Column("artifacts", lambda entry: " ".join(artifact.id for artifact in entry.artifacts)),
)
"""One row an entry, whatever its task."""


def _plain(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f}"


def rows(entries: Iterable[Entry], columns: Sequence[Column] = FLAT) -> list[list[str]]:
    """Cells of the entries, without the head row."""
    return [[column.cell(entry) for column in columns] for entry in entries]


def markdown(entries: Iterable[Entry]) -> str:
    """The entries as upstream's model-zoo tables, one a release and task, column for column.

    Args:
        entries: Entries in the order they should stand.

    Returns:
        Markdown with a trailing line break; empty for no entries.
    """
    pool = tuple(entries)
    tables = [
        _table(_title(task, release, first), PUBLISHED[task], chosen)
        for first, release in enumerate(sorted({entry.release for entry in pool}))
        for task in PUBLISHED
        if (chosen := [entry for entry in pool if (entry.task, entry.release) == (task, release)])
    ]
    return "\n".join(tables)


def _title(task: Task, release: str, place: int) -> str:
    # The oldest release has the published headings as they are; later ones say which they are.
    title = PUBLISHED[task].title
    return f"{title} ({release})" if place else title


def _table(title: str, published: Published, entries: list[Entry]) -> str:
    lines = [[column.heading for column in published.columns], ["---"] * len(published.columns)]
    lines += [[_escape(cell) for cell in row] for row in rows(entries, published.columns)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {title}\n\n{body}\n"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
