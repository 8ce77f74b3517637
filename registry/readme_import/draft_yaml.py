"""Drafts as catalog YAML: what a document states, and a comment for what is doubtful or not stated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from registry.readme_import.draft import Draft, Figure, ImportedDocument

MODEL_FIELDS = ("family", "architecture", "the rest of input", "output", "license", "normalization of files")
"""What an entry needs and no model table states."""

PAIR_FIELDS = ("family", "license")
"""What a pipeline needs and no table states."""


def stated(draft: Draft) -> dict[str, Any]:
    """A draft in the catalog's own shape, with only what the document states.

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
        "detector": _id(draft.detector, draft.release),
        "pose": _id(draft.pose, draft.release),
        "persons": draft.persons,
        "accuracy": [_figure(figure) for figure in draft.accuracy],
        "latency": [_without_none(time.model_dump(mode="json")) for time in draft.latency],
        "complexity": [_without_none(size.model_dump(mode="json")) for size in draft.complexity],
        "artifacts": [
            _without_none({**file.model_dump(mode="json", exclude={"url"}), "urls": [file.url]})
            for file in draft.artifacts
        ],
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def as_yaml(documents: Sequence[ImportedDocument]) -> str:
    """The drafts of some documents as one catalog file, to be completed by hand.

    Args:
        documents: What they came to.

    Returns:
        YAML with a comment above each entry and for each doubt.
    """
    return "\n".join(_lines(documents)) + "\n"


def _lines(documents: Sequence[ImportedDocument]) -> Iterator[str]:
    yield "schema: 1"
    yield ""
    for imported in documents:
        lines = {line for draft in imported.drafts for line in draft.lines}
        for doubt in imported.issues:
            if doubt.line not in lines:
                yield f"# doubtful: {imported.place.document}, {doubt}"
    yield "entries:"
    for imported in documents:
        for draft in imported.drafts:
            yield from _entry(draft, imported.place.document)


def _entry(draft: Draft, document: str) -> Iterator[str]:
    import yaml

    missing = MODEL_FIELDS if draft.kind == "model" else PAIR_FIELDS
    yield f"  # from {document}, line {draft.line}"
    yield from (f"  # doubtful: {doubt}" for doubt in draft.issues)
    yield f"  # not stated: {', '.join((*(() if draft.release else ('release',)), *missing))}"
    text = yaml.safe_dump([stated(draft)], sort_keys=False, allow_unicode=True, width=110)
    yield from (f"  {line}" for line in text.splitlines())
    yield ""


def _figure(figure: Figure) -> dict[str, Any]:
    plain = {"metric": figure.metric, "value": figure.value, "source": figure.source.model_dump(mode="json")}
    return {**plain, **({"protocol": {"kind": "private"}} if figure.private else {})}


def _id(name: str | None, release: str | None) -> str | None:
    return f"{name}@{release}" if name and release else name


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
