"""Imports a document: drafts of its models and pipelines, and the issues found in them."""

from __future__ import annotations

from collections.abc import Sequence

from registry.readme_import import cells
from registry.readme_import.columns import Column, parse_column
from registry.readme_import.consistency import find_page_issues
from registry.readme_import.draft import Draft, ImportedDocument
from registry.readme_import.links import DocumentLocation
from registry.readme_import.markdown import Issue, Row, Table, read_page
from registry.readme_import.measurement import TimingConditions, parse_timing_conditions
from registry.readme_import.rows import RowParser, split_row, to_entry_name


def import_document(text: str, location: DocumentLocation) -> ImportedDocument:
    """Import a document.

    Args:
        text: Markdown.
        location: Location of the document.
    """
    page = read_page(text)
    reader = _TableReader(location, parse_timing_conditions(page.lines), list(page.issues))
    for table in page.tables:
        reader.read_models(table)
    for table in page.tables:
        reader.read_pipelines(table)
    drafts = sorted(reader.drafts, key=lambda draft: draft.line)
    issues = list(dict.fromkeys([*reader.issues, *find_page_issues(page, drafts)]))
    issues.sort(key=lambda issue: (issue.line, issue.column or "", issue.message))
    return ImportedDocument(location, page, with_issues(drafts, issues), tuple(issues), tuple(reader.skipped))


def with_issues(drafts: Sequence[Draft], issues: Sequence[Issue]) -> tuple[Draft, ...]:
    """Return the drafts, each with the issues of its own lines."""
    by_line: dict[int, list[str]] = {}
    for issue in issues:
        by_line.setdefault(issue.line, []).append(str(issue))
    return tuple(
        draft.model_copy(update={"issues": tuple(d for line in draft.lines for d in by_line.get(line, ()))})
        for draft in drafts
    )


class _TableReader:
    def __init__(self, location: DocumentLocation, conditions: TimingConditions, issues: list[Issue]) -> None:
        self._location = location
        self._conditions = conditions
        self.issues = issues
        self.drafts: list[Draft] = []
        self.skipped: list[str] = []
        self._last: dict[tuple[str, cells.Size | None], int] = {}

    def read_models(self, table: Table) -> None:
        columns = [parse_column(cell.text) for cell in table.head]
        if not any(column.role == "model" for column in columns):
            return
        for row in table.rows:
            for part in split_row(row, columns):
                parser = RowParser(part, self._location, table.heading, self._conditions)
                draft = parser.parse_draft()
                if draft is None:
                    self.skipped += [] if _is_pipeline(row, columns) else [parser.find_title()]
                    continue
                self.issues += parser.issues
                self._add(draft)

    def _add(self, draft: Draft) -> None:
        # A table of deployment files continues the rows of the table of figures above it.
        index = self._last.get((draft.title, draft.size))
        continues = not draft.accuracy and not any(file.kind == "weights" for file in draft.artifacts)
        if index is None or not continues:
            self._last[draft.title, draft.size] = len(self.drafts)
            self.drafts.append(draft)
            return
        above = self.drafts[index]
        known = {file.url for file in above.artifacts}
        new = tuple(file for file in draft.artifacts if file.url not in known)
        merged = {
            "artifacts": (*above.artifacts, *new),
            "further_lines": (*above.further_lines, draft.line),
        }
        self.drafts[index] = above.model_copy(update=merged)

    def read_pipelines(self, table: Table) -> None:
        columns = [parse_column(cell.text) for cell in table.head]
        for row in table.rows:
            if _is_pipeline(row, columns):
                (part,) = split_row(row, columns)
                parser = RowParser(part, self._location, table.heading, self._conditions)
                self.drafts.append(self._draft_pipeline(parser))
                self.issues += parser.issues

    def _draft_pipeline(self, parser: RowParser) -> Draft:
        title = parser.find_title()
        detector, pose = (self._find_model(side.strip(), parser.part.line) for side in title.split("+", 1))
        times = tuple(parser.parse_latencies(pipeline=True))
        return Draft(
            kind="pipeline",
            name=f"{detector}_{pose}",
            release=self._location.release,
            title=title,
            task="keypoint_detection",
            detector=detector,
            pose=pose,
            persons=next((time.persons for time in times if time.persons), None),
            accuracy=tuple(parser.parse_figures()),
            latency=times,
            line=parser.part.line,
        )

    def _find_model(self, words: str, line: int) -> str:
        size = cells.parse_size(words)
        title = words[: words.rfind("-")] if size and "-" in words else words
        for draft in self.drafts:
            if draft.kind == "model" and (draft.title, draft.size) == (title, size):
                return draft.name
        self.issues.append(Issue(line, None, f"no table of this document has a row for {words!r}"))
        return to_entry_name(words)


def _is_pipeline(row: Row, columns: Sequence[Column]) -> bool:
    pairs = list(zip(columns, row.cells, strict=False))
    title = next((cell.text for column, cell in pairs if column.role == "model"), "")
    timed = any(column.role == "latency" for column, _ in pairs)
    return timed and title.count("+") == 1 and not any(cell.links for _, cell in pairs)
