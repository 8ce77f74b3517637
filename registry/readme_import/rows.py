"""Parses one row of a model table into a draft."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from registry.readme_import import cells
from registry.readme_import.columns import Column, parse_head
from registry.readme_import.draft import Draft, DraftAccuracy, DraftComplexity, DraftFile, DraftLatency
from registry.readme_import.links import DocumentLocation, find_other_size
from registry.readme_import.markdown import Cell, Issue, Link, Row
from registry.readme_import.measurement import TimingConditions
from registry.schema.artifact import ArtifactKind
from registry.schema.entry import Task
from registry.schema.source import Source

_LABEL = re.compile(r"(detection|keypoint|检测|关键点)(?=\s*:|\s+m?AP\s*:)\s*:?\s*", re.IGNORECASE)
_DIFFERENCE = re.compile(r"[+-]\s*[\d.]+")
_PRIVATE_REMARKS = ("internal", "private", "business", "业务")
_TASKS: dict[str, Task] = {"detection": "object_detection", "检测": "object_detection"}
_TASKS |= {"keypoint": "keypoint_detection", "关键点": "keypoint_detection"}


@dataclass(frozen=True)
class RowPart:
    """The cells of a row that describe one model.

    Attributes:
        line: Line of the row.
        cells: Columns with their cells.
        task: Task of the model, if the row states it.
    """

    line: int
    cells: tuple[tuple[Column, Cell], ...]
    task: Task | None = None


@dataclass
class RowParser:
    """Parser for one row.

    Attributes:
        part: Cells of the row.
        location: Location of the document.
        heading: Heading of the table.
        conditions: Conditions of the latencies.
        issues: Issues found so far.
    """

    part: RowPart
    location: DocumentLocation
    heading: str
    conditions: TimingConditions
    issues: list[Issue] = field(default_factory=list)

    def parse_draft(self) -> Draft | None:
        """Return the draft; None if the row links no file, so that no published model is described."""
        files = tuple(self._parse_files())
        if not files:
            return None
        size, title = self.find_size(), self.find_title()
        for file in files:
            if other := find_other_size(file.url, size):
                name = cells.file_name(file.url)
                self._add_issue(None, f"the name of {name} contains {other}, but the row states {size}")
        return Draft(
            name=derive_name(files, title),
            release=self.location.release,
            title=title,
            task=self.part.task or self._infer_task(),
            height=size.height if size else None,
            width=size.width if size else None,
            accuracy=tuple(self.parse_figures()),
            latency=tuple(self.parse_latencies()),
            complexity=tuple(self._parse_complexity()),
            artifacts=files,
            line=self.part.line,
        )

    def find_title(self) -> str:
        """Return the display name of the model."""
        return next((cell.text for column, cell in self.part.cells if column.role == "model"), "")

    def find_size(self) -> cells.Size | None:
        """Return the input size, or None."""
        for column, cell in self.part.cells:
            if column.role == "size":
                found = cells.parse_size(cell.text)
                if found is None and not cells.is_absent(cell.text):
                    self._add_issue(column, f"{cell.text!r} is not a size")
                return found
        return None

    def make_source(self) -> Source:
        """Return the source of the row."""
        size = self.find_size()
        row = f"row {self.find_title()} {size}" if size else f"row {self.find_title()}"
        cell = f"{self.heading}, {row}" if self.heading else row
        return Source(document=self.location.document, cell=cell, revision=self.location.revision)

    def parse_figures(self) -> Iterator[DraftAccuracy]:
        """Parse the accuracy figures."""
        metrics = {"ap": "AP", "private_ap": "AP", "map": "mAP", "map50": "AP50"}
        for column, cell in self._cells_with_value(*metrics):
            found = cells.parse_figure(cell.text)
            if found is None:
                self._add_issue(column, f"{cell.text!r} is not a figure in percent")
                continue
            if (
                column.role == "map"
                and self._is_pedestrian_detector()
                and "person" not in column.heading.lower()
            ):
                self._add_issue(column, "the head does not state the categories: only person, or all 80")
            if found.remark and not _DIFFERENCE.fullmatch(found.remark):
                self._add_issue(column, f"the parentheses of {cell.text!r} are ignored")
            private = column.role == "private_ap"
            metric = metrics[column.role]
            yield DraftAccuracy(metric=metric, value=found.value, private=private, source=self.make_source())
        yield from self._parse_named_figures()

    def _parse_named_figures(self) -> Iterator[DraftAccuracy]:
        for column, cell in self._cells_with_value("named_figure"):
            found = cells.parse_named_figure(cell.text)
            if found is None:
                self._add_issue(column, f"{cell.text!r} is not a metric and its value")
                continue
            remark = found.figure.remark or ""
            private = any(sign in remark.lower() for sign in _PRIVATE_REMARKS)
            value = found.figure.value
            yield DraftAccuracy(metric=found.metric, value=value, private=private, source=self.make_source())

    def parse_latencies(self, *, pipeline: bool = False) -> Iterator[DraftLatency]:
        """Parse the latencies.

        Args:
            pipeline: Whether the row describes a pipeline.
        """
        for column, cell in self._cells_with_value("latency"):
            found = cells.parse_milliseconds(cell.text)
            if found is None:
                self._add_issue(column, f"{cell.text!r} is not a time in milliseconds")
                continue
            on_phone = column.engine != "CPU"
            yield DraftLatency(
                milliseconds=found,
                device=self.conditions.device if on_phone else "CPU",
                engine=column.engine if on_phone else None,
                threads=column.threads or (self.conditions.threads if on_phone else None),
                architecture=self.conditions.architecture if on_phone else None,
                precision=column.precision,
                persons=_parse_persons(column.heading) if pipeline else None,
                scope="pipeline" if pipeline else "network",
                source=self.make_source(),
            )

    def _parse_complexity(self) -> Iterator[DraftComplexity]:
        found: dict[str, float] = {}
        for column, cell in self._cells_with_value("params", "flops"):
            value = cells.parse_millions(cell.text, column.unit)
            if value is None:
                self._add_issue(column, f"{cell.text!r} is not an amount")
            else:
                found[column.role] = value
        if found:
            yield DraftComplexity(
                parameters=found.get("params"), flops=found.get("flops"), source=self.make_source()
            )

    def _parse_files(self) -> Iterator[DraftFile]:
        for column, cell in self.part.cells:
            for link in cell.links:
                if (kind := self._find_kind(column, link)) is not None:
                    yield self._make_file(column, link, kind)
            if sum(cells.artifact_kind(link.url) == "config" for link in cell.links) > 1:
                self._add_issue(column, "several configurations are linked; the model's is not identified")

    def _find_kind(self, column: Column, link: Link) -> ArtifactKind | None:
        found = cells.artifact_kind(link.url)
        if column.role == "model":
            return "config" if found == "config" else None
        if column.role != "file":
            return None
        if found is None and cells.is_archive(link.url):
            text = link.text.lower()
            return "lite" if column.file_role == "lite" and "inference" not in text else "inference"
        if found is None:
            self._add_issue(column, f"{link.url} is a file of unknown kind and is skipped")
        elif column.file_role not in (found, "weights") and (found, column.file_role) != ("log", "weights"):
            self._add_issue(
                column, f"{cells.file_name(link.url)} is a file of kind {found}, not {column.file_role}"
            )
        return found

    def _make_file(self, column: Column, link: Link, kind: ArtifactKind) -> DraftFile:
        name = cells.file_name(link.url)
        precision = column.precision or ("fp16" if "fp16" in name else None)
        if kind == "lite" and precision is None:
            self._add_issue(column, f"the precision of {name} is not stated")
        url = self.location.resolve(link.url)
        if url is None:
            self._add_issue(column, f"{link.url} is relative, but the location of the document is unknown")
        elif url.startswith("http:"):
            self._add_issue(column, f"{url} is plain http; a catalog accepts only https")
        return DraftFile(
            kind=kind,
            precision=precision if kind in ("lite", "onnx") else None,
            target="arm" if kind == "lite" else None,
            container=cells.container_format(link.url),
            url=url or link.url,
            head=(column.head or parse_head(link.text)) if kind in ("inference", "onnx", "lite") else None,
            source=self.make_source(),
        )

    def _cells_with_value(self, *roles: str) -> Iterator[tuple[Column, Cell]]:
        for column, cell in self.part.cells:
            if column.role in roles and not cells.is_absent(cell.text):
                yield column, cell

    def _is_pedestrian_detector(self) -> bool:
        return "pedestrian" in self.find_title().lower() or "行人" in self.find_title()

    def _infer_task(self) -> Task | None:
        roles = {column.role for column, _ in self.part.cells}
        if roles & {"map", "map50"}:
            return "object_detection"
        return "keypoint_detection" if roles & {"ap", "private_ap"} else None

    def _add_issue(self, column: Column | None, message: str) -> None:
        issue = Issue(self.part.line, column.heading if column else None, message)
        if issue not in self.issues:
            self.issues.append(issue)


def split_row(row: Row, columns: Sequence[Column]) -> list[RowPart]:
    """Split a row into one part for each model if its cells have labeled lines (``Detection: 2.37ms``).

    Args:
        row: The row.
        columns: Its columns.
    """
    pairs = tuple(zip(columns, row.cells, strict=False))
    labels = sorted({label.lower() for _, cell in pairs for label in _LABEL.findall(cell.text)})
    if not labels:
        return [RowPart(row.line, pairs)]
    return [
        RowPart(
            row.line,
            tuple((c, _select_lines(label, c, cell)) for c, cell in pairs if _belongs_to(label, c)),
            _TASKS[label],
        )
        for label in labels
    ]


def _belongs_to(label: str, column: Column) -> bool:
    return column.role != "model" or label in column.heading.lower()


def _select_lines(label: str, column: Column, cell: Cell) -> Cell:
    if column.role == "model":
        return cell
    lines = cell.text.split("\n")
    own = [_LABEL.sub("", line) for line in lines if line.lower().startswith(label)]
    links = tuple(link for link in cell.links if link.text.lower().startswith(label))
    return Cell("\n".join(own), links)


def derive_name(files: Sequence[DraftFile], title: str) -> str:
    """Derive a catalog name from the files of a row, or from its title.

    Args:
        files: Files of the row.
        title: Title of the row.
    """
    for kind in ("weights", "inference", "config", "lite", "onnx"):
        for file in files:
            if file.kind == kind:
                return to_entry_name(cells.file_stem(file.url).removesuffix("_infer"))
    return to_entry_name(title)


def to_entry_name(text: str) -> str:
    """Convert a text to a catalog name: lower-case letters, digits, single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "unnamed"


def _parse_persons(heading: str) -> int | None:
    lower = heading.lower()
    if "single" in lower or "单人" in lower:
        return 1
    return 6 if "six" in lower or "6人" in lower else None
