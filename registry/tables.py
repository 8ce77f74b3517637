"""Entries as rows: the published tables in Markdown, and flat rows for CSV and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from registry.choices import Head, Precision, Target
    from registry.schema.artifact import Artifact, ArtifactKind
    from registry.schema.entry import Entry
    from registry.schema.figures import Accuracy
    from registry.schema.pipeline import Pipeline

Listed = TypeVar("Listed", "Entry", "Pipeline")

MISSING = "-"
PHONE = "Snapdragon 865"
"""The device of the published tables' latency columns."""


@dataclass(frozen=True)
class Column(Generic[Listed]):
    """One column of a table.

    Attributes:
        heading: Text of the head cell.
        cell: Text of an entry's cell.
    """

    heading: str
    cell: Callable[[Listed], str]


@dataclass(frozen=True)
class Published(Generic[Listed]):
    """A table as upstream prints it.

    Attributes:
        title: Heading above it.
        columns: Its columns, left to right.
    """

    title: str
    columns: tuple[Column[Listed], ...]


def phone_latency(entry: Entry | Pipeline, precision: Precision) -> float | None:
    """Milliseconds on the tables' phone, or None where nothing was published.

    Args:
        entry: A model, whose network alone was timed, or a pipeline, timed as a whole.
        precision: Arithmetic precision.
    """
    scope = "pipeline" if entry.kind == "pipeline" else "network"
    for latency in entry.latency:
        same_scope = latency.device == PHONE and latency.scope == scope
        if same_scope and latency.precision == precision:
            return latency.milliseconds
    return None


def headline(entry: Entry | Pipeline) -> Accuracy | None:
    """The figure that stands for an entry: its first in percent that is not about private data, if any."""
    figures = (figure for figure in entry.accuracy if figure.protocol.kind != "private")
    return next((figure for figure in figures if figure.metric != "error"), None)


def _size(entry: Entry) -> str:
    return f"{entry.input.height}*{entry.input.width}"


def _accuracy(entry: Entry | Pipeline) -> str:
    figure = headline(entry)
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


def _link(
    text: str,
    kind: ArtifactKind,
    precision: Precision | None = None,
    target: Target | None = None,
    head: Head | None = None,
) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        artifact = entry.artifact(kind, precision, target, head)
        return f"[{text}]({artifact.urls[0]})" if artifact else MISSING

    return cell


def _published(title: str, metric: str, latency: str) -> Published[Entry]:
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


KEYPOINTS = _published("Keypoint Detection Model", "AP (COCO Val)", "Inference Time for Single Person")
PEDESTRIANS = _published("Pedestrian Detection Model", "mAP (COCO Val)", "Average Inference Time")
IN_SPACE = Published(
    "3D Keypoint Detection Model",
    (*KEYPOINTS.columns[:2], Column("Error", _metric("error")), *KEYPOINTS.columns[5:7]),
)
OBJECTS = Published(
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
        Column("ONNX Model", _link("ONNX Model", "onnx", "fp32")),
        *PEDESTRIANS.columns[8:],
    ),
)
SHEETS = (KEYPOINTS, PEDESTRIANS, OBJECTS, IN_SPACE)
"""The tables in the order they stand in; the first two are upstream's, column for column."""

PAIRS: Published[Pipeline] = Published(
    "Pipeline",
    (
        Column("Model", lambda pipeline: pipeline.title.replace("*", "\\*")),
        Column("Persons", lambda pipeline: str(pipeline.persons)),
        Column("AP (COCO Val)", _accuracy),
        Column("Time with Pre- and Post-Processing (FP32)", _latency("fp32")),
        Column("Time with Pre- and Post-Processing (FP16)", _latency("fp16")),
        Column("Detector", lambda pipeline: pipeline.detector),
        Column("Pose Model", lambda pipeline: pipeline.pose),
    ),
)

FLAT: tuple[Column[Entry], ...] = (
    Column("name", lambda entry: entry.name),
    Column("release", lambda entry: entry.release),
    Column("task", lambda entry: entry.task),
    Column("input", lambda entry: f"{entry.input.height}x{entry.input.width}"),
    Column("metric", lambda entry: figure.metric if (figure := headline(entry)) else ""),
    Column("ap", lambda entry: f"{figure.value:.1f}" if (figure := headline(entry)) else ""),
    Column("sd865_fp32_ms", lambda entry: _plain(phone_latency(entry, "fp32"))),
    Column("sd865_fp16_ms", lambda entry: _plain(phone_latency(entry, "fp16"))),
    Column("artifacts", lambda entry: " ".join(artifact.id for artifact in _offered(entry))),
)
"""One row a model, whatever its task."""

FLAT_PAIRS: tuple[Column[Pipeline], ...] = (
    Column("pipeline", lambda pipeline: pipeline.name),
    Column("release", lambda pipeline: pipeline.release),
    Column("persons", lambda pipeline: str(pipeline.persons)),
    Column("metric", lambda pipeline: figure.metric if (figure := headline(pipeline)) else ""),
    Column("ap", lambda pipeline: f"{figure.value:.1f}" if (figure := headline(pipeline)) else ""),
    Column("sd865_fp32_pipeline_ms", lambda pipeline: _plain(phone_latency(pipeline, "fp32"))),
    Column("sd865_fp16_pipeline_ms", lambda pipeline: _plain(phone_latency(pipeline, "fp16"))),
)
"""One row a pipeline; its times include pre- and post-processing."""


def _offered(entry: Entry) -> list[Artifact]:
    return [artifact for artifact in entry.artifacts if artifact.picked_by_default and artifact.kind != "log"]


def _plain(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f}"


def rows(entries: Iterable[Listed], columns: Sequence[Column[Listed]]) -> list[list[str]]:
    """Cells of the entries, without the head row."""
    return [[column.cell(entry) for column in columns] for entry in entries]


def markdown(entries: Iterable[Entry | Pipeline]) -> str:
    """The entries as model-zoo tables, one a release and sort of model.

    Pose models and pedestrian detectors stand in upstream's own tables, column for column.

    Args:
        entries: Models and pipelines in the order they should stand.

    Returns:
        Markdown with a trailing line break; empty for no entries.
    """
    listed = tuple(entries)
    pool = [entry for entry in listed if entry.kind == "model"]
    pairs = [entry for entry in listed if entry.kind == "pipeline"]
    releases = sorted({entry.release for entry in listed})
    tables = []
    for place, release in enumerate(releases):
        # The oldest release has the published headings as they are; later ones say which they are.
        suffix = f" ({release})" if place else ""
        for sheet in SHEETS:
            chosen = [entry for entry in pool if entry.release == release and sheet_of(entry) is sheet]
            tables += [_table(sheet.title + suffix, sheet, chosen)] if chosen else []
        paired = [pair for pair in pairs if pair.release == release]
        tables += [_table(PAIRS.title + suffix, PAIRS, paired)] if paired else []
    return "\n".join(tables)


def sheet_of(entry: Entry) -> Published[Entry]:
    """The table a model belongs to."""
    if entry.output.kind == "detection":
        return PEDESTRIANS if entry.output.classes == ("person",) else OBJECTS
    return KEYPOINTS if entry.task == "keypoint_detection" else IN_SPACE


def _table(title: str, published: Published[Listed], entries: list[Listed]) -> str:
    lines = [[column.heading for column in published.columns], ["---"] * len(published.columns)]
    lines += [[_escape(cell) for cell in row] for row in rows(entries, published.columns)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {title}\n\n{body}\n"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def listing(sheets: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    """Aligned tables below each other, without those that have no rows; the first where none has any.

    Args:
        sheets: Head cells and body rows of each table.
    """
    pool = list(sheets)
    filled = [(head, rows) for head, rows in pool if rows] or pool[:1]
    return "\n".join(aligned(head, rows) for head, rows in filled)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; numbers to the right, text to the left.

    Args:
        head: Head cells.
        rows: Body cells, as many a row as there are head cells.
    """
    columns = [(head[place], [row[place] for row in rows]) for place in range(len(head))]
    forms = []
    for heading, cells in columns:
        width = max(map(len, [heading, *cells]))
        forms.append(f"{{:>{width}}}" if all(map(_is_number, cells)) else f"{{:<{width}}}")
    line = "  ".join(forms).format
    return "".join(f"{line(*row).rstrip()}\n" for row in (head, *rows))


def _is_number(cell: str) -> bool:
    return cell in ("", "-") or cell.replace(".", "", 1).isdigit()
