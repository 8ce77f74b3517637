"""Compares a newer document with the catalog: new, changed and removed entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from registry.readme_import.cells import file_name
from registry.readme_import.draft import Draft, DraftFile, DraftLatency, ImportedDocument
from registry.readme_import.links import to_repository_path
from registry.registry import Registry
from registry.schema.artifact import Artifact
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.figures import Latency
from registry.schema.pipeline import CatalogItem, Pipeline


class Change(Model):
    """One difference between a document and the catalog.

    Attributes:
        entry: ``name@release``; only the name for an entry that the catalog does not have.
        kind: ``new`` and ``removed`` refer to an entry, ``changed`` to one of its fields.
        field: Field that changed.
        before: Value in the catalog.
        after: Value in the document.
        line: Line of the value in the document; None for a removed entry.
        known: Whether the catalog already records this value as part of a contradiction.
    """

    entry: str
    kind: Literal["new", "changed", "removed"]
    field: str | None = None
    before: str | None = None
    after: str | None = None
    line: int | None = None
    known: bool = False

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        if self.kind != "changed":
            return f"{where}{self.entry} is {self.kind}" + (f": {self.after}" if self.after else "")
        suffix = " (a recorded contradiction)" if self.known else ""
        return f"{where}{self.entry} {self.field}: {self.before} is now {self.after}{suffix}"


class DocumentDiff(Model):
    """Differences between a document and the catalog.

    Attributes:
        document: Name of the document.
        compared: Number of entries in both.
        changes: Differences, in the order of the document's lines; removed entries come last.
    """

    document: str
    compared: int
    changes: tuple[Change, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing changed, apart from recorded contradictions."""
        return all(change.known for change in self.changes)


def diff_document(imported: ImportedDocument, entries: Registry) -> DocumentDiff:
    """Compare a document with the catalog.

    Args:
        imported: The imported document.
        entries: The catalog.
    """
    changes: list[Change] = []
    compared: list[CatalogItem] = []
    for draft in imported.drafts:
        entry = find_entry(draft, entries)
        if entry is None:
            titled = f"{draft.title} {draft.size}" if draft.size else draft.title
            changes.append(Change(entry=draft.name, kind="new", after=titled, line=draft.line))
            continue
        compared.append(entry)
        changes += _compare_entry(draft, entry)
    changes += _find_removed(imported, entries, compared)
    return DocumentDiff(document=imported.location.document, compared=len(compared), changes=tuple(changes))


def find_entry(draft: Draft, entries: Registry) -> CatalogItem | None:
    """Find the entry of a draft: one with its name and with the most files in common.

    Args:
        draft: The draft; if it has a release, only entries of that release match.
        entries: The catalog.
    """
    candidates = [
        entry
        for entry in entries.all_entries
        if entry.kind == draft.kind and _matches(entry, draft) and draft.release in (None, entry.release)
    ]
    urls = {file.url for file in draft.artifacts if file.kind != "config"}

    def count_shared(entry: CatalogItem) -> tuple[int, int, bool]:
        files = [url for artifact in _artifacts(entry) for url in artifact.urls]
        same = sum(figure.value in {f.value for f in entry.accuracy} for figure in draft.accuracy)
        return len(urls & set(files)), same, entry.default

    return max(candidates, key=count_shared, default=None)


def _matches(entry: CatalogItem, draft: Draft) -> bool:
    if isinstance(entry, Pipeline):
        models = (entry.detector.partition("@")[0], entry.pose.partition("@")[0])
        return models == (draft.detector, draft.pose) or entry.title == draft.title
    urls = {file.url for file in draft.artifacts if file.kind != "config"}
    return entry.name == draft.name or any(urls & set(artifact.urls) for artifact in entry.artifacts)


def _compare_entry(draft: Draft, entry: CatalogItem) -> Iterator[Change]:
    for field, before, after in (
        *_compare_fields(draft, entry),
        *_compare_figures(draft, entry),
        *_compare_files(draft, entry),
    ):
        if before != after:
            claims = [claim.value for conflict in entry.conflicts for claim in conflict.claims]
            known = after is not None and any(word in claim for claim in claims for word in _spellings(after))
            yield Change(
                entry=entry.id,
                kind="changed",
                field=field,
                before=before or "not stated",
                after=after or "removed",
                line=draft.line,
                known=known,
            )


def _spellings(value: str) -> tuple[str, ...]:
    # Documents print operations in millions or in billions.
    number, _, unit = value.partition(" ")
    return (value, f"{float(number) / 1000:g} G") if unit == "M" else (value,)


Difference = tuple[str, str | None, str | None]


def _compare_fields(draft: Draft, entry: CatalogItem) -> Iterator[Difference]:
    yield "title", entry.title, draft.title
    if isinstance(entry, Pipeline):
        yield "persons", str(entry.persons), str(draft.persons or entry.persons)
        return
    size = f"{entry.input.height}*{entry.input.width}"
    yield "input", size, str(draft.size or size)
    yield "task", entry.task, draft.task or entry.task


def _compare_figures(draft: Draft, entry: CatalogItem) -> Iterator[Difference]:
    for figure in draft.accuracy:
        private = "private " if figure.private else ""
        values = [
            known.value
            for known in entry.accuracy
            if known.metric == figure.metric and (known.protocol.kind == "private") == figure.private
        ]
        yield f"{private}{figure.metric}", _format_known(values, figure.value), f"{figure.value:g}"
    for time in draft.latency:
        times = [known.milliseconds for known in entry.latency if _has_same_conditions(known, time)]
        label = " ".join(filter(None, ("latency", time.engine or time.device, time.precision)))
        yield label, _format_known(times, time.milliseconds, " ms"), f"{time.milliseconds:g} ms"
    for sizes in draft.complexity:
        for field, unit in (("parameters", " M"), ("flops", " M")):
            value = getattr(sizes, field)
            if value is not None and isinstance(entry, Entry):
                known = [v for size in entry.complexity if (v := getattr(size, field)) is not None]
                yield field, _format_known(known, value, unit), f"{value:g}{unit}"


def _compare_files(draft: Draft, entry: CatalogItem) -> Iterator[Difference]:
    for file in draft.artifacts:
        alike = [artifact for artifact in _artifacts(entry) if _is_same_kind(artifact, file)]
        label = "-".join(filter(None, (file.kind, file.precision, file.head)))
        known = [_comparable_url(url, other=file.url) for artifact in alike for url in artifact.urls]
        after = _comparable_url(file.url, other=file.url)
        yield label, after if after in known else next(iter(known), None), after


def _find_removed(
    imported: ImportedDocument, entries: Registry, compared: list[CatalogItem]
) -> Iterator[Change]:
    """Find entries whose figures come from this document and that it no longer contains."""
    documents = Counter(figure.source.document for entry in compared for figure in entry.accuracy)
    named = imported.location.document if imported.location.path else None
    document = named or next((name for name, _ in documents.most_common(1)), None)
    ids = {entry.id for entry in compared}
    # A document without any pipeline did not remove the pipelines; it never had them.
    kinds = {draft.kind for draft in imported.drafts}
    for entry in entries.all_entries:
        cited = any(figure.source.document == document for figure in entry.accuracy)
        if (
            cited
            and entry.kind in kinds
            and entry.id not in ids
            and imported.location.release in (None, entry.release)
        ):
            yield Change(entry=entry.id, kind="removed")


def _artifacts(entry: CatalogItem) -> tuple[Artifact, ...]:
    return entry.artifacts if isinstance(entry, Entry) else ()


def _has_same_conditions(known: Latency, time: DraftLatency) -> bool:
    if known.scope != time.scope or known.batch != 1:
        return False
    if time.device == "CPU":
        return "Intel" in known.device
    on_device = known.device == (time.device or "Snapdragon 865")
    engine = time.engine or "Paddle Lite"
    alike = on_device and known.engine == engine and time.threads in (None, known.threads)
    return alike and time.precision in (None, known.precision)


def _is_same_kind(artifact: Artifact, file: DraftFile) -> bool:
    same = artifact.kind == file.kind and artifact.variant is None
    same = same and file.precision in (None, artifact.precision)
    return same and file.head in (None, artifact.head)


def _comparable_url(url: str, *, other: str) -> str:
    # A configuration is the same file on every branch. For a relative link in a document of unknown location,
    # only the file name can be compared.
    if "://" not in other and to_repository_path(other) is None:
        return file_name(url)
    return to_repository_path(url) or url


def _format_known(known: Iterable[float], stated: float, unit: str = "") -> str | None:
    values = list(known)
    value = stated if stated in values else next(iter(values), None)
    return None if value is None else f"{value:g}{unit}"
