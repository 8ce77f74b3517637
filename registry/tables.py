"""Formats entries as tables: the published tables in Markdown, and plain rows for CSV and terminals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from registry.printable import printable

if TYPE_CHECKING:
    from registry.choices import Precision, Target
    from registry.schema.artifact import Artifact, ArtifactKind
    from registry.schema.entry import Entry
    from registry.schema.figures import Accuracy
    from registry.schema.pipeline import Pipeline

Item = TypeVar("Item", "Entry", "Pipeline")

MISSING = "-"
PHONE = "Snapdragon 865"
"""Device of the latency columns of the published tables."""


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One column of a table.

    Attributes:
        heading: Text of the head cell.
        cell: Text of an entry's cell.
        markdown: Whether the text is Markdown; other text is escaped in Markdown tables.
    """

    heading: str
    cell: Callable[[Item], str]
    markdown: bool = False


@dataclass(frozen=True)
class TableLayout(Generic[Item]):
    """Layout of a Markdown table.

    Attributes:
        title: Heading above it.
        columns: Its columns, left to right.
    """

    title: str
    columns: tuple[Column[Item], ...]


def phone_latency(entry: Entry | Pipeline, precision: Precision) -> float | None:
    """Return the latency on ``PHONE`` in milliseconds, or None where none was published.

    Args:
        entry: A model, timed without pre- and post-processing, or a pipeline, timed with both.
        precision: Arithmetic precision.
    """
    scope = "pipeline" if entry.kind == "pipeline" else "network"
    for latency in entry.latency:
        same_scope = latency.device == PHONE and latency.scope == scope
        if same_scope and latency.precision == precision:
            return latency.milliseconds
    return None


def headline_accuracy(entry: Entry | Pipeline) -> Accuracy | None:
    """Return the main accuracy figure of an entry: its first in percent on public data, if any."""
    figures = (figure for figure in entry.accuracy if figure.protocol.kind != "private")
    return next((figure for figure in figures if figure.metric != "error"), None)


def _size(entry: Entry) -> str:
    return f"{entry.input.height}*{entry.input.width}"


def _accuracy(entry: Entry | Pipeline) -> str:
    figure = headline_accuracy(entry)
    return f"{figure.value:.1f}" if figure else MISSING


def _metric(metric: str) -> Callable[[Entry | Pipeline], str]:
    def cell(entry: Entry | Pipeline) -> str:
        values = [figure.value for figure in entry.accuracy if figure.metric == metric]
        return f"{values[0]:.1f}" if values else MISSING

    return cell


def _millions(field: str, unit: float) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        values = [value for size in entry.complexity if (value := getattr(size, field))]
        return f"{values[0] / unit:.2f}" if values else MISSING

    return cell


def _latency(precision: Precision) -> Callable[[Entry | Pipeline], str]:
    def cell(entry: Entry | Pipeline) -> str:
        milliseconds = phone_latency(entry, precision)
        return MISSING if milliseconds is None else f"{milliseconds:.2f}ms"

    return cell


def _link_column(
    heading: str, text: str, kind: ArtifactKind, precision: Precision | None = None
) -> Column[Entry]:
    target: Target | None = "arm" if kind == "lite" else None

    def cell(entry: Entry) -> str:
        artifact = entry.artifact(kind, precision, target)
        return f"[{text}]({_escape_url(artifact.urls[0])})" if artifact else MISSING

    return Column(heading, cell, markdown=True)


def _published(title: str, metric: str, latency: str) -> TableLayout[Entry]:
    return TableLayout(
        title,
        (
            Column("Model", lambda entry: entry.title),
            Column("Input Size", _size),
            Column(metric, _accuracy),
            Column(f"{latency} (FP32)", _latency("fp32")),
            Column(f"{latency} (FP16)", _latency("fp16")),
            _link_column("Config", "Config", "config"),
            _link_column("Model Weights", "Model", "weights"),
            _link_column("Deployment Model", "Deployment Model", "inference"),
            _link_column("Paddle-Lite Model (FP32)", "Lite Model", "lite", "fp32"),
            _link_column("Paddle-Lite Model (FP16)", "Lite Model(FP16)", "lite", "fp16"),
        ),
    )


KEYPOINTS = _published("Keypoint Detection Model", "AP (COCO Val)", "Inference Time for Single Person")
PEDESTRIANS = _published("Pedestrian Detection Model", "mAP (COCO Val)", "Average Inference Time")
KEYPOINTS_3D = TableLayout(
    "3D Keypoint Detection Model",
    (*KEYPOINTS.columns[:2], Column("Error", _metric("error")), *KEYPOINTS.columns[5:7]),
)
OBJECTS = TableLayout(
    "Object Detection Model",
    (
        Column("Model", lambda entry: entry.title),
        Column("Input Size", _size),
        Column("mAP (0.5:0.95)", _metric("mAP")),
        Column("mAP (0.5)", _metric("AP50")),
        Column("Params (M)", _millions("parameters", 1)),
        Column("FLOPs (G)", _millions("flops", 1000)),
        Column("Average Inference Time (FP16)", _latency("fp16")),
        *PEDESTRIANS.columns[5:8],
        _link_column("ONNX Model", "ONNX Model", "onnx", "fp32"),
        *PEDESTRIANS.columns[8:],
    ),
)
LAYOUTS = (KEYPOINTS, PEDESTRIANS, OBJECTS, KEYPOINTS_3D)
"""All tables, in output order; the first two have upstream's columns."""

PIPELINES: TableLayout[Pipeline] = TableLayout(
    "Pipeline",
    (
        Column("Model", lambda pipeline: _escape(pipeline.title).replace("*", "\\*"), markdown=True),
        Column("Persons", lambda pipeline: str(pipeline.persons)),
        Column("AP (COCO Val)", _accuracy),
        Column("Time with Pre- and Post-Processing (FP32)", _latency("fp32")),
        Column("Time with Pre- and Post-Processing (FP16)", _latency("fp16")),
        Column("Detector", lambda pipeline: pipeline.detector),
        Column("Pose Model", lambda pipeline: pipeline.pose),
    ),
)

MODEL_COLUMNS: tuple[Column[Entry], ...] = (
    Column("name", lambda entry: entry.name),
    Column("release", lambda entry: entry.release),
    Column("task", lambda entry: entry.task),
    Column("input", lambda entry: f"{entry.input.height}x{entry.input.width}"),
    Column("metric", lambda entry: figure.metric if (figure := headline_accuracy(entry)) else ""),
    Column("ap", lambda entry: f"{figure.value:.1f}" if (figure := headline_accuracy(entry)) else ""),
    Column("sd865_fp32_ms", lambda entry: _format_ms(phone_latency(entry, "fp32"))),
    Column("sd865_fp16_ms", lambda entry: _format_ms(phone_latency(entry, "fp16"))),
    Column("artifacts", lambda entry: " ".join(artifact.id for artifact in _listed_artifacts(entry))),
)
"""Columns of the listing of models, for every task."""

PIPELINE_COLUMNS: tuple[Column[Pipeline], ...] = (
    Column("pipeline", lambda pipeline: pipeline.name),
    Column("release", lambda pipeline: pipeline.release),
    Column("persons", lambda pipeline: str(pipeline.persons)),
    Column("metric", lambda pipeline: figure.metric if (figure := headline_accuracy(pipeline)) else ""),
    Column("ap", lambda pipeline: f"{figure.value:.1f}" if (figure := headline_accuracy(pipeline)) else ""),
    Column("sd865_fp32_pipeline_ms", lambda pipeline: _format_ms(phone_latency(pipeline, "fp32"))),
    Column("sd865_fp16_pipeline_ms", lambda pipeline: _format_ms(phone_latency(pipeline, "fp16"))),
)
"""Columns of the listing of pipelines; latencies include pre- and post-processing."""


def _listed_artifacts(entry: Entry) -> list[Artifact]:
    return [artifact for artifact in entry.artifacts if artifact.picked_by_default and artifact.kind != "log"]


def _format_ms(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f}"


def build_rows(entries: Iterable[Item], columns: Sequence[Column[Item]]) -> list[list[str]]:
    """Return the cells of the entries, without the head row."""
    return [[column.cell(entry) for column in columns] for entry in entries]


def format_markdown(entries: Iterable[Entry | Pipeline]) -> str:
    """Format entries as Markdown tables, one for each release and kind of model.

    The tables of pose models and pedestrian detectors have the columns of upstream's tables.

    Args:
        entries: Models and pipelines, in output order.

    Returns:
        Markdown with a trailing line break; empty for no entries.
    """
    everything = tuple(entries)
    models = [entry for entry in everything if entry.kind == "model"]
    pipelines = [entry for entry in everything if entry.kind == "pipeline"]
    releases = sorted({entry.release for entry in everything})
    tables = []
    for index, release in enumerate(releases):
        # The oldest release keeps the published headings; later ones name the release.
        suffix = f" ({release})" if index else ""
        for layout in LAYOUTS:
            chosen = [
                entry for entry in models if entry.release == release and select_layout(entry) is layout
            ]
            tables += [_table(layout.title + suffix, layout, chosen)] if chosen else []
        chosen_pipelines = [each for each in pipelines if each.release == release]
        tables += [_table(PIPELINES.title + suffix, PIPELINES, chosen_pipelines)] if chosen_pipelines else []
    return "\n".join(tables)


def select_layout(entry: Entry) -> TableLayout[Entry]:
    """Return the table that a model belongs to."""
    if entry.output.kind == "detection":
        return PEDESTRIANS if entry.output.classes == ("person",) else OBJECTS
    return KEYPOINTS if entry.task == "keypoint_detection" else KEYPOINTS_3D


def _table(title: str, layout: TableLayout[Item], entries: list[Item]) -> str:
    lines = [[column.heading for column in layout.columns], ["---"] * len(layout.columns)]
    lines += [[_format_cell(column, entry) for column in layout.columns] for entry in entries]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {title}\n\n{body}\n"


def _format_cell(column: Column[Item], entry: Item) -> str:
    cell = column.cell(entry)
    return cell if column.markdown else _escape(cell)


def _escape(text: str) -> str:
    # Catalogs can come from others: their texts must not become links, HTML or further cells.
    return re.sub(r"([\\`\[\]<>&|])", r"\\\1", printable(text))


def _escape_url(url: str) -> str:
    return re.sub(r"[\s()<>\[\]|`\"\\]", lambda match: quote(match[0], safe=""), url)


def format_listing(tables: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    """Format tables below each other, leaving out empty ones; prints only the first if all are empty.

    Args:
        tables: Head cells and body rows of each table.
    """
    everything = list(tables)
    filled = [(head, rows) for head, rows in everything if rows] or everything[:1]
    return "\n".join(align_columns(head, rows) for head, rows in filled)


def align_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Pad columns to their widest cell; numbers are right-aligned, text is left-aligned.

    Args:
        head: Head cells.
        rows: Body cells; each row has as many as the head.
    """
    columns = [(heading, [row[index] for row in rows]) for index, heading in enumerate(head)]
    forms = []
    for heading, cells in columns:
        width = max(map(len, [heading, *cells]))
        forms.append(f"{{:>{width}}}" if all(map(_is_number, cells)) else f"{{:<{width}}}")
    line = "  ".join(forms).format
    return "".join(f"{line(*row).rstrip()}\n" for row in (head, *rows))


def _is_number(cell: str) -> bool:
    return cell in ("", "-") or cell.replace(".", "", 1).isdigit()
