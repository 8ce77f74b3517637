"""Drafts out of a document: every model row, every pipeline row, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Sequence

from registry.readme_import import cells
from registry.readme_import.columns import Column, column_of
from registry.readme_import.consistency import page_issues
from registry.readme_import.draft import Draft, ImportedDocument
from registry.readme_import.links import Place
from registry.readme_import.markdown import Issue, Row, Table, read_page
from registry.readme_import.measurement import Conditions, conditions
from registry.readme_import.rows import Reading, as_name, parts_of


def import_document(text: str, place: Place) -> ImportedDocument:
    """Reads a document.

    Args:
        text: Markdown.
        place: Where it stands.
    """
    page = read_page(text)
    reader = _Reader(place, conditions(page.lines), list(page.issues))
    for table in page.tables:
        reader.read_models(table)
    for table in page.tables:
        reader.read_pipelines(table)
    drafts = sorted(reader.drafts, key=lambda draft: draft.line)
    issues = list(dict.fromkeys([*reader.issues, *page_issues(page, drafts)]))
    issues.sort(key=lambda doubt: (doubt.line, doubt.column or "", doubt.message))
    return ImportedDocument(place, page, with_issues(drafts, issues), tuple(issues), tuple(reader.left_out))


def with_issues(drafts: Sequence[Draft], issues: Sequence[Issue]) -> tuple[Draft, ...]:
    """The drafts, each with the doubts about its own lines."""
    by_line: dict[int, list[str]] = {}
    for doubt in issues:
        by_line.setdefault(doubt.line, []).append(str(doubt))
    return tuple(
        draft.model_copy(update={"issues": tuple(d for line in draft.lines for d in by_line.get(line, ()))})
        for draft in drafts
    )


class _Reader:
    def __init__(self, place: Place, conditions: Conditions, issues: list[Issue]) -> None:
        self._place = place
        self._conditions = conditions
        self.issues = issues
        self.drafts: list[Draft] = []
        self.left_out: list[str] = []
        self._last: dict[tuple[str, cells.Size | None], int] = {}

    def read_models(self, table: Table) -> None:
        columns = [column_of(cell.text) for cell in table.head]
        if not any(column.role == "model" for column in columns):
            return
        for row in table.rows:
            for part in parts_of(row, columns):
                reading = Reading(part, self._place, table.heading, self._conditions)
                draft = reading.draft()
                if draft is None:
                    self.left_out += [] if _is_pair(row, columns) else [reading.title()]
                    continue
                self.issues += reading.issues
                self._add(draft)

    def _add(self, draft: Draft) -> None:
        # A table of deployment files continues the rows of the table of figures above it.
        place = self._last.get((draft.title, draft.size))
        continues = not draft.accuracy and not any(file.kind == "weights" for file in draft.artifacts)
        if place is None or not continues:
            self._last[draft.title, draft.size] = len(self.drafts)
            self.drafts.append(draft)
            return
        above = self.drafts[place]
        known = {file.url for file in above.artifacts}
        new = tuple(file for file in draft.artifacts if file.url not in known)
        merged = {
            "artifacts": (*above.artifacts, *new),
            "further_lines": (*above.further_lines, draft.line),
        }
        self.drafts[place] = above.model_copy(update=merged)

    def read_pipelines(self, table: Table) -> None:
        columns = [column_of(cell.text) for cell in table.head]
        for row in table.rows:
            if _is_pair(row, columns):
                (part,) = parts_of(row, columns)
                reading = Reading(part, self._place, table.heading, self._conditions)
                self.drafts.append(self._pair(reading))
                self.issues += reading.issues

    def _pair(self, reading: Reading) -> Draft:
        title = reading.title()
        detector, pose = (self._model(side.strip(), reading.part.line) for side in title.split("+", 1))
        times = tuple(reading.times(pipeline=True))
        return Draft(
            kind="pipeline",
            name=f"{detector}_{pose}",
            release=self._place.release,
            title=title,
            task="keypoint_detection",
            detector=detector,
            pose=pose,
            persons=next((time.persons for time in times if time.persons), None),
            accuracy=tuple(reading.figures()),
            latency=times,
            line=reading.part.line,
        )

    def _model(self, words: str, line: int) -> str:
        size = cells.size(words)
        title = words[: words.rfind("-")] if size and "-" in words else words
        for draft in self.drafts:
            if draft.kind == "model" and (draft.title, draft.size) == (title, size):
                return draft.name
        self.issues.append(Issue(line, None, f"no table of this document has a row {words!r}"))
        return as_name(words)


def _is_pair(row: Row, columns: Sequence[Column]) -> bool:
    pairs = list(zip(columns, row.cells, strict=False))
    title = next((cell.text for column, cell in pairs if column.role == "model"), "")
    timed = any(column.role == "latency" for column, _ in pairs)
    return timed and title.count("+") == 1 and not any(cell.links for _, cell in pairs)
