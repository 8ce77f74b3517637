"""The Python side of ``zoo mirror``, ``zoo bundle`` and ``zoo import``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.artifacts.resolver import Reporter
from zoo.artifacts.spec import FetchOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import list_models, model_info
from zoo.catalogs.sources import registry_of
from zoo.settings import Settings, from_environment
from zoo.transfer import bundle as bundles
from zoo.transfer import bundle_import as importing
from zoo.transfer import mirror as mirrors
from zoo.transfer import targets as places
from zoo.transfer.bundle import Bundle
from zoo.transfer.bundle_import import ImportedArtifact
from zoo.transfer.mirror import MirrorReport


def mirror(
    place: Path | str,
    names: Sequence[str] = (),
    request: FetchOptions | None = None,
    *,
    task: str | None = None,
    family: str | None = None,
    jobs: int = 4,
    dry_run: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> MirrorReport:
    """Copies published files to where any static server can serve them to ``--mirror``.

    Args:
        place: Folder, or an address of fsspec such as ``s3://bucket/prefix``.
        names: Entries; none means all of the catalog.
        request: What of each; nothing in particular means every current file.
        task: Only entries of this task.
        family: Only entries of this family.
        jobs: Files at the same time.
        dry_run: Only look what is there.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says; what fails for a single file is in the report.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names] or list_models(settings=chosen)
    entries = [e for e in entries if task in (None, e.task) and family in (None, e.family)]
    wanted = mirrors.orders(entries, request or FetchOptions())
    resolver = resolver_for(chosen, reporter=reporter)
    return mirrors.mirror(wanted, places.mirror_target(str(place)), resolver, jobs=jobs, dry_run=dry_run)


def bundle(
    names: Sequence[str],
    request: FetchOptions,
    *,
    out: Path,
    jobs: int = 4,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Bundle:
    """Writes artifacts into one file that ``import_bundle`` takes in on a machine without a network.

    Args:
        names: Entries.
        request: What of each, as for ``fetch_many``.
        out: The file.
        jobs: Artifacts fetched at the same time.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    orders = [(entry, want) for entry in entries for want in request.specs(entry)]
    return bundles.bundle(
        orders, out, resolver_for(chosen, reporter=reporter), build=request.build, jobs=jobs
    )


def import_bundle(
    path: Path | str,
    *,
    sha256: str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> tuple[ImportedArtifact, ...]:
    """Takes a bundle's artifacts into the store: all of them, or none.

    Args:
        path: The bundle.
        sha256: Digest it must have; None takes any.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        UsageError: ``bundle-too-new``.
        IntegrityError: It is damaged, or its artifacts are not what they are called.
    """
    chosen = settings or from_environment()
    resolver = resolver_for(chosen, reporter=reporter)
    return importing.import_bundle(Path(path), resolver, registry_of(chosen), sha256=sha256)
