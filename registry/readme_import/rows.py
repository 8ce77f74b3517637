"""One row of a model table, read cell by cell into a draft."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from registry.readme_import import cells
from registry.readme_import.columns import Column, head_of
from registry.readme_import.draft import Amounts, Draft, Figure, File, Time
from registry.readme_import.links import Place, other_size
from registry.readme_import.markdown import Cell, Issue, Link, Row
from registry.readme_import.measurement import Conditions
from registry.schema.artifact import ArtifactKind
from registry.schema.entry import Task
from registry.schema.source import Source

_LABEL = re.compile(r"(detection|keypoint|检测|关键点)(?=\s*:|\s+m?AP\s*:)\s*:?\s*", re.IGNORECASE)
_DIFFERENCE = re.compile(r"[+-]\s*[\d.]+")
_ELSEWHERE = ("internal", "private", "business", "业务")
_TASKS: dict[str, Task] = {"detection": "object_detection", "检测": "object_detection"}
_TASKS |= {"keypoint": "keypoint_detection", "关键点": "keypoint_detection"}


@dataclass(frozen=True)
class Part:
    """The cells of a row that are about one model.

    Attributes:
        line: Where the row stands.
        cells: Columns with their cells.
        task: What the model does, where the row itself says so.
    """

    line: int
    cells: tuple[tuple[Column, Cell], ...]
    task: Task | None = None


@dataclass
class Reading:
    """A row being read.

    Attributes:
        part: Its cells.
        place: Where the document stands.
        heading: Heading of the table.
        conditions: How times were taken.
        doubts: What was found doubtful so far.
    """

    part: Part
    place: Place
    heading: str
    conditions: Conditions
    issues: list[Issue] = field(default_factory=list)

    def draft(self) -> Draft | None:
        """The draft; None when the row links no file, and so is about nobody's model of this zoo."""
        files = tuple(self._files())
        if not files:
            return None
        size, title = self.size(), self.title()
        for file in files:
            if other := other_size(file.url, size):
                where = cells.file_name(file.url)
                self._doubt(None, f"{where} is named after {other}, the row says {size}")
        return Draft(
            name=name_of(files, title),
            release=self.place.release,
            title=title,
            task=self.part.task or self._task(),
            height=size.height if size else None,
            width=size.width if size else None,
            accuracy=tuple(self.figures()),
            latency=tuple(self.times()),
            complexity=tuple(self._amounts()),
            artifacts=files,
            line=self.part.line,
        )

    def title(self) -> str:
        """The model's display name."""
        return next((cell.text for column, cell in self.part.cells if column.role == "model"), "")

    def size(self) -> cells.Size | None:
        """The input size."""
        for column, cell in self.part.cells:
            if column.role == "size":
                found = cells.size(cell.text)
                if found is None and not cells.is_absent(cell.text):
                    self._doubt(column, f"{cell.text!r} is not read as a size")
                return found
        return None

    def source(self) -> Source:
        """Where the row stands, in words."""
        size = self.size()
        row = f"row {self.title()} {size}" if size else f"row {self.title()}"
        cell = f"{self.heading}, {row}" if self.heading else row
        return Source(document=self.place.document, cell=cell, revision=self.place.revision)

    def figures(self) -> Iterator[Figure]:
        """Accuracy figures."""
        metrics = {"ap": "AP", "private_ap": "AP", "map": "mAP", "map50": "AP50"}
        for column, cell in self._with_value(*metrics):
            found = cells.figure(cell.text)
            if found is None:
                self._doubt(column, f"{cell.text!r} is not read as a figure in percent")
                continue
            if column.role == "map" and self._is_of_persons() and "person" not in column.heading.lower():
                self._doubt(column, "the head does not say over which categories: person alone, or all 80")
            if found.remark and not _DIFFERENCE.fullmatch(found.remark):
                self._doubt(column, f"of {cell.text!r} the brackets are left out")
            private = column.role == "private_ap"
            metric = metrics[column.role]
            yield Figure(metric=metric, value=found.value, private=private, source=self.source())
        yield from self._named_figures()

    def _named_figures(self) -> Iterator[Figure]:
        for column, cell in self._with_value("named_figure"):
            found = cells.named_figure(cell.text)
            if found is None:
                self._doubt(column, f"{cell.text!r} is not read as a metric and its value")
                continue
            remark = found.figure.remark or ""
            private = any(sign in remark.lower() for sign in _ELSEWHERE)
            value = found.figure.value
            yield Figure(metric=found.metric, value=value, private=private, source=self.source())

    def times(self, *, pipeline: bool = False) -> Iterator[Time]:
        """Latencies.

        Args:
            pipeline: Whether the row is about a pair of models.
        """
        for column, cell in self._with_value("latency"):
            found = cells.milliseconds(cell.text)
            if found is None:
                self._doubt(column, f"{cell.text!r} is not read as milliseconds")
                continue
            on_phone = column.engine != "CPU"
            yield Time(
                milliseconds=found,
                device=self.conditions.device if on_phone else "CPU",
                engine=column.engine if on_phone else None,
                threads=column.threads or (self.conditions.threads if on_phone else None),
                architecture=self.conditions.architecture if on_phone else None,
                precision=column.precision,
                persons=_persons(column.heading) if pipeline else None,
                scope="pipeline" if pipeline else "network",
                source=self.source(),
            )

    def _amounts(self) -> Iterator[Amounts]:
        found: dict[str, float] = {}
        for column, cell in self._with_value("params", "flops"):
            value = cells.millions(cell.text, column.unit)
            if value is None:
                self._doubt(column, f"{cell.text!r} is not read as an amount")
            else:
                found[column.role] = value
        if found:
            yield Amounts(parameters=found.get("params"), flops=found.get("flops"), source=self.source())

    def _files(self) -> Iterator[File]:
        for column, cell in self.part.cells:
            for link in cell.links:
                if (kind := self._kind(column, link)) is not None:
                    yield self._file(column, link, kind)
            if sum(cells.kind(link.url) == "config" for link in cell.links) > 1:
                self._doubt(column, "several configurations are linked: which one is the model's is not said")

    def _kind(self, column: Column, link: Link) -> ArtifactKind | None:
        found = cells.kind(link.url)
        if column.role == "model":
            return "config" if found == "config" else None
        if column.role != "file":
            return None
        if found is None and cells.is_archive(link.url):
            says = link.text.lower()
            return "lite" if column.meant == "lite" and "inference" not in says else "inference"
        if found is None:
            self._doubt(column, f"{link.url} is no file of a known kind: left out")
        elif column.meant not in (found, "weights") and (found, column.meant) != ("log", "weights"):
            self._doubt(column, f"{cells.file_name(link.url)} is a file of kind {found}: taken as that")
        return found

    def _file(self, column: Column, link: Link, kind: ArtifactKind) -> File:
        name = cells.file_name(link.url)
        precision = column.precision or ("fp16" if "fp16" in name else None)
        if kind == "lite" and precision is None:
            self._doubt(column, f"the precision of {name} is not stated")
        url = self.place.resolved(link.url)
        if url is None:
            self._doubt(column, f"{link.url} is relative: where the document stands is not known")
        elif url.startswith("http:"):
            self._doubt(column, f"{url} is plain http: a catalog takes https only")
        return File(
            kind=kind,
            precision=precision if kind in ("lite", "onnx") else None,
            target="arm" if kind == "lite" else None,
            container=cells.container(link.url),
            url=url or link.url,
            head=(column.head or head_of(link.text)) if kind in ("inference", "onnx", "lite") else None,
            source=self.source(),
        )

    def _with_value(self, *roles: str) -> Iterator[tuple[Column, Cell]]:
        for column, cell in self.part.cells:
            if column.role in roles and not cells.is_absent(cell.text):
                yield column, cell

    def _is_of_persons(self) -> bool:
        return "pedestrian" in self.title().lower() or "行人" in self.title()

    def _task(self) -> Task | None:
        roles = {column.role for column, _ in self.part.cells}
        if roles & {"map", "map50"}:
            return "object_detection"
        return "keypoint_detection" if roles & {"ap", "private_ap"} else None

    def _doubt(self, column: Column | None, message: str) -> None:
        doubt = Issue(self.part.line, column.heading if column else None, message)
        if doubt not in self.issues:
            self.issues.append(doubt)


def parts_of(row: Row, columns: Sequence[Column]) -> list[Part]:
    """A row as one part, or as one a model where its cells have labeled lines (``Detection: 2.37ms``).

    Args:
        row: The row.
        columns: What its columns are about.
    """
    pairs = tuple(zip(columns, row.cells, strict=False))
    labels = sorted({label.lower() for _, cell in pairs for label in _LABEL.findall(cell.text)})
    if not labels:
        return [Part(row.line, pairs)]
    return [
        Part(
            row.line, tuple((c, _of(label, c, cell)) for c, cell in pairs if _about(label, c)), _TASKS[label]
        )
        for label in labels
    ]


def _about(label: str, column: Column) -> bool:
    return column.role != "model" or label in column.heading.lower()


def _of(label: str, column: Column, cell: Cell) -> Cell:
    if column.role == "model":
        return cell
    lines = cell.text.split("\n")
    own = [_LABEL.sub("", line) for line in lines if line.lower().startswith(label)]
    links = tuple(link for link in cell.links if link.text.lower().startswith(label))
    return Cell("\n".join(own), links)


def name_of(files: Sequence[File], title: str) -> str:
    """A catalog name from the most telling file of a row, or from its title.

    Args:
        files: The row's files.
        title: The row's title.
    """
    for kind in ("weights", "inference", "config", "lite", "onnx"):
        for file in files:
            if file.kind == kind:
                return as_name(cells.stem(file.url).removesuffix("_infer"))
    return as_name(title)


def as_name(text: str) -> str:
    """A text as a catalog name: small letters, digits, single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "unnamed"


def _persons(heading: str) -> int | None:
    low = heading.lower()
    if "single" in low or "单人" in low:
        return 1
    return 6 if "six" in low or "6人" in low else None
