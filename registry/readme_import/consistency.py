"""Finds contradictions within a document, between documents, and with a checkout of their repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry.readme_import import cells
from registry.readme_import.draft import Draft
from registry.readme_import.links import to_repository_path
from registry.readme_import.markdown import Issue, Page
from registry.readme_import.measurement import describe_timing

if TYPE_CHECKING:
    from registry.readme_import.draft import ImportedDocument

_CONFIG = re.compile(r"(?<![\w/.])configs/[\w./-]+\.yml")
_WRITES = re.compile(r"--output_dir[= ]([\w-]+)")
_FOLDER = re.compile(r"[\w-]+(?=/)")
_NO_NMS = re.compile(
    r"\b(?:no|without) NMS\b.*export\.nms\s*=\s*True|无需导出NMS.*export\.nms\s*=\s*True", re.IGNORECASE
)
MAX_LINE = 10_000
"""Characters of a line that is searched for prose."""

MAX_CONFIG = 1024 * 1024
"""Bytes of a configuration that are searched for its weights key."""

_WEIGHTS = re.compile(r"^weights:\s*(\S+)", re.MULTILINE)


def find_page_issues(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    """Find contradictions within one document.

    Args:
        page: The document.
        drafts: Drafts of its tables.
    """
    yield from _find_moved_configs(page, drafts)
    yield from _find_unread_folders(page)
    yield from _find_wrong_precision(page, drafts)
    yield from _find_repeated_latencies(drafts)
    for number, line in enumerate(page.lines, 1):
        # A pattern with gaps is slow on long lines, and prose has none.
        if len(line) < MAX_LINE and _NO_NMS.search(line):
            message = "the text states export.nms=True for an export without NMS; elsewhere it is False"
            yield Issue(number, None, message)


def _find_moved_configs(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    linked = {}
    for draft in drafts:
        for file in draft.artifacts:
            path = to_repository_path(file.url) if file.kind == "config" else None
            if path:
                linked[cells.file_name(path)] = path
    for number, line in enumerate(page.lines, 1):
        for path in dict.fromkeys(_CONFIG.findall(line)):
            other = linked.get(cells.file_name(path))
            if other and other != path and "](" not in line:
                yield Issue(number, None, f"a command names {path}, the table links {other}")


def _find_unread_folders(page: Page) -> Iterator[Issue]:
    folders = set(_FOLDER.findall("\n".join(page.lines)))
    for number, line in enumerate(page.lines, 1):
        for folder in dict.fromkeys(_WRITES.findall(line)):
            if folder not in folders and "output_inference" in folders:
                yield Issue(number, None, f"a command writes to {folder}, which no later command reads")


def _find_wrong_precision(page: Page, drafts: Sequence[Draft]) -> Iterator[Issue]:
    if not any({"fp32", "fp16"} <= {time.precision for time in draft.latency} for draft in drafts):
        return
    for number, line in enumerate(page.lines, 1):
        words = cells.normalize(line).lower()
        timing = "thread" in words or "线程" in words
        if timing and "|" not in line and "fp32" in words and "fp16" not in words:
            yield Issue(
                number, None, "the text states FP32 for the latencies, but the tables also have FP16 columns"
            )


def _find_repeated_latencies(drafts: Sequence[Draft]) -> Iterator[Issue]:
    first: dict[object, Draft] = {}
    for draft in drafts:
        times = tuple(sorted((str(time.precision), time.milliseconds) for time in draft.latency))
        key = (draft.title, draft.size, times)
        if times and draft.kind == "model" and key in first and first[key].artifacts != draft.artifacts:
            message = f"the latencies are those of line {first[key].line}, but the files differ"
            yield Issue(draft.line, None, message)
        first.setdefault(key, draft)


def find_differences(documents: Sequence[ImportedDocument]) -> Iterator[Issue]:
    """Find contradictions between documents about the same models; lines refer to the later document.

    Args:
        documents: Imported documents, in order.
    """
    for index, later in enumerate(documents):
        for earlier in documents[:index]:
            yield from _compare_pair(earlier, later)


def _compare_pair(earlier: ImportedDocument, later: ImportedDocument) -> Iterator[Issue]:
    shared = False
    for draft in later.drafts:
        urls = {file.url for file in draft.artifacts}
        for other in earlier.drafts:
            if not urls & {file.url for file in other.artifacts if file.kind != "config"}:
                continue
            shared = True
            for field, value, other_value in _pair_values(draft, other):
                if value != other_value:
                    values = f"{value:g} here, {other_value:g} in {earlier.location.document}"
                    yield Issue(draft.line, None, f"{draft.name}: {field} is {values}")
    here, there = describe_timing(later.page.lines), describe_timing(earlier.page.lines)
    if shared and here and there and here != there:
        message = f"{'; '.join(here)} here, {'; '.join(there)} in {earlier.location.document}"
        yield Issue(1, None, f"conditions of the latencies: {message}")


def _pair_values(draft: Draft, other: Draft) -> Iterator[tuple[str, float, float]]:
    for size in draft.complexity:
        for other_size in other.complexity:
            for field in ("parameters", "flops"):
                pair = getattr(size, field), getattr(other_size, field)
                if None not in pair:
                    yield (f"{field} (millions)", *pair)
    for figure in draft.accuracy:
        for other_figure in other.accuracy:
            if (figure.metric, figure.private) == (other_figure.metric, other_figure.private):
                yield figure.metric, figure.value, other_figure.value


def find_tree_issues(imported: ImportedDocument, tree: Path) -> Iterator[Issue]:
    """Find linked configurations that do not exist or that name the weights of another model.

    Args:
        imported: An imported document.
        tree: Checkout of its repository.
    """
    names: dict[str, list[str]] | None = None
    for draft in imported.drafts:
        for file in draft.artifacts:
            path = to_repository_path(file.url) if file.kind == "config" else None
            if path is None:
                continue
            if ".." in path.split("/"):
                yield Issue(draft.line, None, f"{path} leads out of the repository")
                continue
            text = _read_config(tree / path)
            if text is not None:
                yield from _check_weights_key(draft, text, path)
                continue
            names = _list_tree(tree) if names is None else names
            found = names.get(cells.file_name(path))
            there = f"found at {', '.join(found)}" if found else "no file of the repository has that name"
            yield Issue(draft.line, None, f"{path} does not exist: {there}")


def _read_config(path: Path) -> str | None:
    """Read the start of a configuration; None if there is no such file."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(MAX_CONFIG).decode("utf-8", errors="replace")
    except (OSError, ValueError):  # no permission, or a name that no file can have
        return None


def _list_tree(tree: Path) -> dict[str, list[str]]:
    """Map the names of all files of a checkout to their paths."""
    names: dict[str, list[str]] = {}
    for folder, _, files in sorted(os.walk(tree)):
        for name in sorted(files):
            names.setdefault(name, []).append(os.path.relpath(os.path.join(folder, name), tree))
    return names


def _check_weights_key(draft: Draft, text: str, path: str) -> Iterator[Issue]:
    match = _WEIGHTS.search(text)
    own = cells.file_stem(path)
    if match and own not in match[1]:
        yield Issue(draft.line, None, f"{path} has the key weights: {match[1]}, which does not name {own}")
