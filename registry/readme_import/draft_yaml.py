"""Formats drafts as catalog YAML, with a comment for each issue and for missing fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from registry.printable import printable
from registry.readme_import.draft import Draft, DraftAccuracy, ImportedDocument

MODEL_FIELDS = ("family", "architecture", "the rest of input", "output", "license", "normalization of files")
"""Fields that an entry needs and that no model table states."""

PIPELINE_FIELDS = ("family", "license")
"""Fields that a pipeline needs and that no table states."""


def draft_fields(draft: Draft) -> dict[str, Any]:
    """Return the stated fields of a draft in the format of the catalog.

    Args:
        draft: The draft.

    Returns:
        Plain data with the catalog's field names.
    """
    found = {
        "kind": draft.kind if draft.kind == "pipeline" else None,
        "name": draft.name,
        "release": draft.release,
        "title": draft.title,
        "task": draft.task,
        "input": {"height": draft.height, "width": draft.width} if draft.size else None,
        "detector": _entry_id(draft.detector, draft.release),
        "pose": _entry_id(draft.pose, draft.release),
        "persons": draft.persons,
        "accuracy": [_figure_fields(figure) for figure in draft.accuracy],
        "latency": [_without_none(time.model_dump(mode="json")) for time in draft.latency],
        "complexity": [_without_none(size.model_dump(mode="json")) for size in draft.complexity],
        "artifacts": [
            _without_none({**file.model_dump(mode="json", exclude={"url"}), "urls": [file.url]})
            for file in draft.artifacts
        ],
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def format_yaml(documents: Sequence[ImportedDocument]) -> str:
    """Format the drafts of some documents as one catalog file, to be completed by hand.

    Args:
        documents: Imported documents.

    Returns:
        YAML with comments above each entry.
    """
    return "\n".join(_format_lines(documents)) + "\n"


def _format_lines(documents: Sequence[ImportedDocument]) -> Iterator[str]:
    yield "schema: 1"
    yield ""
    for imported in documents:
        lines = {line for draft in imported.drafts for line in draft.lines}
        for issue in imported.issues:
            if issue.line not in lines:
                yield _comment(f"check: {imported.location.document}, {issue}")
    yield "entries:"
    for imported in documents:
        for draft in imported.drafts:
            yield from _format_entry(draft, imported.location.document)


def _format_entry(draft: Draft, document: str) -> Iterator[str]:
    import yaml

    missing = MODEL_FIELDS if draft.kind == "model" else PIPELINE_FIELDS
    yield "  " + _comment(f"from {document}, line {draft.line}")
    yield from ("  " + _comment(f"check: {issue}") for issue in draft.issues)
    yield f"  # not stated: {', '.join((*(() if draft.release else ('release',)), *missing))}"
    text = yaml.safe_dump([draft_fields(draft)], sort_keys=False, allow_unicode=True, width=110)
    yield from (f"  {line}" for line in text.splitlines())
    yield ""


def _comment(text: str) -> str:
    # Documents are foreign text: a line break in it would end the comment.
    return f"# {printable(text)}"


def _figure_fields(figure: DraftAccuracy) -> dict[str, Any]:
    plain = {"metric": figure.metric, "value": figure.value, "source": figure.source.model_dump(mode="json")}
    return {**plain, **({"protocol": {"kind": "private"}} if figure.private else {})}


def _entry_id(name: str | None, release: str | None) -> str | None:
    return f"{name}@{release}" if name and release else name


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
