"""Contradictions inside a document, between documents, and with the repository they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry.readme_import import cells
from registry.readme_import.draft import Draft
from registry.readme_import.links import repository_path
from registry.readme_import.markdown import Issue, Page
from registry.readme_import.measurement import statements

if TYPE_CHECKING:
    from registry.readme_import.draft import ImportedDocument

_CONFIG = re.compile(r"(?<![\w/.])configs/[\w./-]+\.yml")
_WRITES = re.compile(r"--output_dir[= ]([\w-]+)")
_NO_NMS = re.compile(
    r"\b(?:no|without) NMS\b.*export\.nms\s*=\s*True|无需导出NMS.*export\.nms\s*=\s*True", re.IGNORECASE
)
LONGEST = 10_000
"""Characters of a line that is still prose."""

_WEIGHTS = re.compile(r"^weights:\s*(\S+)", re.MULTILINE)


def page_issues(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    """Contradictions inside one document.

    Args:
        page: The document.
        drafts: What its tables came to.
    """
    yield from _moved_configs(page, drafts)
    yield from _unread_folders(page)
    yield from _one_precision_of_two(page, drafts)
    yield from _repeated_times(drafts)
    for number, line in enumerate(page.lines, 1):
        # People do not write sentences this long, and a pattern with gaps is slow on them.
        if len(line) < LONGEST and _NO_NMS.search(line):
            yield Issue(
                number, None, "to leave NMS out, export.nms is said to be True: elsewhere it is False"
            )


def _moved_configs(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    linked = {}
    for draft in drafts:
        for file in draft.artifacts:
            path = repository_path(file.url) if file.kind == "config" else None
            if path:
                linked[cells.file_name(path)] = path
    for number, line in enumerate(page.lines, 1):
        for path in dict.fromkeys(_CONFIG.findall(line)):
            other = linked.get(cells.file_name(path))
            if other and other != path and "](" not in line:
                yield Issue(number, None, f"a command names {path}, the table links {other}")


def _unread_folders(page: Page) -> Iterator[Issue]:
    text = "\n".join(page.lines)
    for number, line in enumerate(page.lines, 1):
        for folder in dict.fromkeys(_WRITES.findall(line)):
            if f"{folder}/" not in text and "output_inference/" in text:
                yield Issue(number, None, f"a command writes to {folder}, which no later command reads")


def _one_precision_of_two(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    if not any({"fp32", "fp16"} <= {time.precision for time in draft.latency} for draft in drafts):
        return
    for number, line in enumerate(page.lines, 1):
        words = cells.plain(line).lower()
        timing = "thread" in words or "线程" in words
        if timing and "|" not in line and "fp32" in words and "fp16" not in words:
            yield Issue(number, None, "times are said to be FP32, the tables have FP16 columns too")


def _repeated_times(drafts: Sequence[Draft]) -> Iterator[Issue]:
    first: dict[object, Draft] = {}
    for draft in drafts:
        times = tuple(sorted((str(time.precision), time.milliseconds) for time in draft.latency))
        key = (draft.title, draft.size, times)
        if times and draft.kind == "model" and key in first and first[key].artifacts != draft.artifacts:
            message = f"the times repeat those of line {first[key].line}, with other files"
            yield Issue(draft.line, None, message)
        first.setdefault(key, draft)


def compare_documents(documents: Sequence[ImportedDocument]) -> Iterator[Issue]:
    """Contradictions between documents about the same models; lines are those of the later document.

    Args:
        documents: What they came to, in order.
    """
    for place, later in enumerate(documents):
        for earlier in documents[:place]:
            yield from _differing(earlier, later)


def _differing(earlier: ImportedDocument, later: ImportedDocument) -> Iterator[Issue]:
    shared = False
    for draft in later.drafts:
        urls = {file.url for file in draft.artifacts}
        for other in earlier.drafts:
            if not urls & {file.url for file in other.artifacts if file.kind != "config"}:
                continue
            shared = True
            for field, ours, theirs in _values(draft, other):
                if ours != theirs:
                    words = f"{draft.name}: {field} is {ours:g} here, {theirs:g} in {earlier.place.document}"
                    yield Issue(draft.line, None, words)
    here, there = statements(later.page.lines), statements(earlier.page.lines)
    if shared and here and there and here != there:
        said = f"{'; '.join(here)} here, {'; '.join(there)} in {earlier.place.document}"
        yield Issue(1, None, f"how times were taken: {said}")


def _values(draft: Draft, other: Draft) -> Iterator[tuple[str, float, float]]:
    for ours in draft.complexity:
        for theirs in other.complexity:
            for field in ("parameters", "flops"):
                pair = getattr(ours, field), getattr(theirs, field)
                if None not in pair:
                    yield (f"{field} (millions)", *pair)
    for figure in draft.accuracy:
        for its in other.accuracy:
            if (figure.metric, figure.private) == (its.metric, its.private):
                yield figure.metric, figure.value, its.value


def in_tree(imported: ImportedDocument, tree: Path) -> Iterator[Issue]:
    """Configurations that are linked and do not exist, or that name another model's weights.

    Args:
        imported: What a document came to.
        tree: A checkout of its repository.
    """
    for draft in imported.drafts:
        for file in draft.artifacts:
            path = repository_path(file.url) if file.kind == "config" else None
            if path is None:
                continue
            if (tree / path).is_file():
                yield from _misnamed(draft, tree, path)
                continue
            found = sorted(str(other.relative_to(tree)) for other in tree.rglob(cells.file_name(path)))
            there = f"found at {', '.join(found)}" if found else "nor anywhere else in the repository"
            yield Issue(draft.line, None, f"{path} does not exist: {there}")


def _misnamed(draft: Draft, tree: Path, path: str) -> Iterator[Issue]:
    match = _WEIGHTS.search((tree / path).read_text(encoding="utf-8", errors="replace"))
    own = cells.stem(path)
    if match and own not in match[1]:
        yield Issue(draft.line, None, f"{path} says weights: {match[1]}, which is not {own}: no identity")
