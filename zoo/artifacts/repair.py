"""Repair the cache: move damaged files to the quarantine, and fetch their artifacts again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from registry import Registry
from registry.errors import ZooError
from registry.schema import Artifact, Entry
from zoo.artifacts.resolver import ArtifactResolver
from zoo.store import StoreReport


def repair(
    resolver: ArtifactResolver, report: StoreReport, catalog: Registry, entries: Sequence[Entry] | None
) -> StoreReport:
    """Repair what a verification found damaged.

    Damaged conversions are made again when they are next needed.

    Args:
        resolver: Gives access to the cache, and fetches again.
        report: The result of the verification.
        catalog: The entries that can be fetched.
        entries: The entries that were verified; None for the whole cache.

    Returns:
        The result of a verification afterwards.

    Raises:
        ZooError: The first error of a fetch, after all other artifacts were fetched.
    """
    note = resolver.reporter.note
    discarded = resolver.store.discard_damaged(report, note=note)
    failed: list[ZooError] = []
    for name in discarded.artifacts:
        found = list(_published(name, catalog))
        if not found:
            note(f"{name} is not in the catalog, so it is not fetched again")
        for entry, artifact in found:
            try:
                replace(resolver, reread=True).fetch_published(entry, artifact, packed=True)
            except ZooError as error:
                failed.append(error)
            else:
                note(f"{name} was fetched again")
    for key in discarded.conversions:
        note(f"the conversion {key} is made again when it is next needed")
    if failed:
        raise failed[0]
    return resolver.store.verify(entries)


def _published(name: str, catalog: Registry) -> Iterator[tuple[Entry, Artifact]]:
    entry_id, _, artifact_id = name.partition("/")
    if entry_id not in catalog:
        return
    entry = catalog.get(entry_id)
    yield from ((entry, artifact) for artifact in entry.artifacts if artifact.id == artifact_id)
