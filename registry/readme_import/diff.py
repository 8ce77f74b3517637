"""A newer document beside the catalog: what is new, changed or gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from registry.readme_import.cells import file_name
from registry.readme_import.draft import Draft, File, ImportedDocument, Time
from registry.readme_import.links import repository_path
from registry.registry import Registry
from registry.schema.artifact import Artifact
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.figures import Latency
from registry.schema.pipeline import Pipeline

Listed = Entry | Pipeline


class Change(Model):
    """One point in which a document and the catalog differ.

    Attributes:
        entry: ``name@release``; the name alone of an entry the catalog does not have.
        what: ``new`` and ``gone`` are about entries, ``changed`` about one field.
        field: The field that changed.
        before: What the catalog says.
        after: What the document says.
        line: Where the document says so; None for what is gone.
        known: Whether the catalog records this very value as one side of a contradiction.
    """

    entry: str
    what: Literal["new", "changed", "gone"]
    field: str | None = None
    before: str | None = None
    after: str | None = None
    line: int | None = None
    known: bool = False

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        if self.what != "changed":
            return f"{where}{self.entry} is {self.what}" + (f": {self.after}" if self.after else "")
        aside = " (a contradiction on record)" if self.known else ""
        return f"{where}{self.entry} {self.field}: {self.before} is now {self.after}{aside}"


class DocumentDiff(Model):
    """What changed.

    Attributes:
        document: The document.
        compared: Entries that stand in both.
        changes: Differences, in the order of the document's lines; what is gone stands last.
    """

    document: str
    compared: int
    changes: tuple[Change, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing changed, apart from contradictions on record."""
        return all(change.known for change in self.changes)


def diff_document(imported: ImportedDocument, entries: Registry) -> DocumentDiff:
    """Compares a document with the catalog.

    Args:
        imported: What the document came to.
        entries: The catalog.
    """
    changes: list[Change] = []
    met: list[Listed] = []
    for draft in imported.drafts:
        entry = counterpart(draft, entries)
        if entry is None:
            titled = f"{draft.title} {draft.size}" if draft.size else draft.title
            changes.append(Change(entry=draft.name, what="new", after=titled, line=draft.line))
            continue
        met.append(entry)
        changes += _differences(draft, entry)
    changes += _gone(imported, entries, met)
    return DocumentDiff(document=imported.place.document, compared=len(met), changes=tuple(changes))


def counterpart(draft: Draft, entries: Registry) -> Listed | None:
    """The catalog's entry a draft is about: of its name, and with most of its files.

    Args:
        draft: The draft; a release it names is the only one that is looked at.
        entries: The catalog.
    """
    named = [
        entry
        for entry in entries.all_entries
        if entry.kind == draft.kind and _bears(entry, draft) and draft.release in (None, entry.release)
    ]
    urls = {file.url for file in draft.artifacts if file.kind != "config"}

    def shared(entry: Listed) -> tuple[int, int, bool]:
        files = [url for artifact in _artifacts(entry) for url in artifact.urls]
        same = sum(figure.value in {f.value for f in entry.accuracy} for figure in draft.accuracy)
        return len(urls & set(files)), same, entry.default

    return max(named, key=shared, default=None)


def _bears(entry: Listed, draft: Draft) -> bool:
    if isinstance(entry, Pipeline):
        models = (entry.detector.partition("@")[0], entry.pose.partition("@")[0])
        return models == (draft.detector, draft.pose) or entry.title == draft.title
    urls = {file.url for file in draft.artifacts if file.kind != "config"}
    return entry.name == draft.name or any(urls & set(artifact.urls) for artifact in entry.artifacts)


def _differences(draft: Draft, entry: Listed) -> Iterator[Change]:
    for field, before, after in (*_own(draft, entry), *_figures(draft, entry), *_files(draft, entry)):
        if before != after:
            claims = [claim.value for conflict in entry.conflicts for claim in conflict.claims]
            known = after is not None and any(word in claim for claim in claims for word in _spellings(after))
            yield Change(
                entry=entry.id,
                what="changed",
                field=field,
                before=before or "not stated",
                after=after or "no longer there",
                line=draft.line,
                known=known,
            )


def _spellings(value: str) -> tuple[str, ...]:
    # Operations are printed in millions here and in billions there.
    number, _, unit = value.partition(" ")
    return (value, f"{float(number) / 1000:g} G") if unit == "M" else (value,)


Difference = tuple[str, str | None, str | None]


def _own(draft: Draft, entry: Listed) -> Iterator[Difference]:
    yield "title", entry.title, draft.title
    if isinstance(entry, Pipeline):
        yield "persons", str(entry.persons), str(draft.persons or entry.persons)
        return
    size = f"{entry.input.height}*{entry.input.width}"
    yield "input", size, str(draft.size or size)
    yield "task", entry.task, draft.task or entry.task


def _figures(draft: Draft, entry: Listed) -> Iterator[Difference]:
    for figure in draft.accuracy:
        private = "private " if figure.private else ""
        values = [
            known.value
            for known in entry.accuracy
            if known.metric == figure.metric and (known.protocol.kind == "private") == figure.private
        ]
        yield f"{private}{figure.metric}", _number(values, figure.value), f"{figure.value:g}"
    for time in draft.latency:
        times = [known.milliseconds for known in entry.latency if _same_kind(known, time)]
        label = " ".join(filter(None, ("latency", time.engine or time.device, time.precision)))
        yield label, _number(times, time.milliseconds, " ms"), f"{time.milliseconds:g} ms"
    for sizes in draft.complexity:
        for field, unit in (("parameters", " M"), ("flops", " M")):
            value = getattr(sizes, field)
            if value is not None and isinstance(entry, Entry):
                known = [v for size in entry.complexity if (v := getattr(size, field)) is not None]
                yield field, _number(known, value, unit), f"{value:g}{unit}"


def _files(draft: Draft, entry: Listed) -> Iterator[Difference]:
    for file in draft.artifacts:
        alike = [artifact for artifact in _artifacts(entry) if _same_file_kind(artifact, file)]
        label = "-".join(filter(None, (file.kind, file.precision, file.head)))
        places = [_place(url, beside=file.url) for artifact in alike for url in artifact.urls]
        after = _place(file.url, beside=file.url)
        yield label, after if after in places else next(iter(places), None), after


def _gone(imported: ImportedDocument, entries: Registry, met: list[Listed]) -> Iterator[Change]:
    """Entries whose figures come from this document, and that it does not have any more."""
    documents = Counter(figure.source.document for entry in met for figure in entry.accuracy)
    named = imported.place.document if imported.place.path else None
    document = named or next((name for name, _ in documents.most_common(1)), None)
    ids = {entry.id for entry in met}
    # A document without any pipeline is not one that dropped them.
    kinds = {draft.kind for draft in imported.drafts}
    for entry in entries.all_entries:
        cited = any(figure.source.document == document for figure in entry.accuracy)
        if (
            cited
            and entry.kind in kinds
            and entry.id not in ids
            and imported.place.release in (None, entry.release)
        ):
            yield Change(entry=entry.id, what="gone")


def _artifacts(entry: Listed) -> tuple[Artifact, ...]:
    return entry.artifacts if isinstance(entry, Entry) else ()


def _same_kind(known: Latency, time: Time) -> bool:
    if known.scope != time.scope or known.batch != 1:
        return False
    if time.device == "CPU":
        return "Intel" in known.device
    on_device = known.device == (time.device or "Snapdragon 865")
    engine = time.engine or "Paddle Lite"
    alike = on_device and known.engine == engine and time.threads in (None, known.threads)
    return alike and time.precision in (None, known.precision)


def _same_file_kind(artifact: Artifact, file: File) -> bool:
    same = artifact.kind == file.kind and artifact.variant is None
    same = same and file.precision in (None, artifact.precision)
    return same and file.head in (None, artifact.head)


def _place(url: str, *, beside: str) -> str:
    # A configuration is the same file under every branch. Of a relative link in a document whose own place is
    # not known, the name alone can be compared.
    if "://" not in beside and repository_path(beside) is None:
        return file_name(url)
    return repository_path(url) or url


def _number(known: Iterable[float], wanted: float, unit: str = "") -> str | None:
    values = list(known)
    value = wanted if wanted in values else next(iter(values), None)
    return None if value is None else f"{value:g}{unit}"
