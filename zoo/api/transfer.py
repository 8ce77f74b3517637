"""Python side of ``zoo mirror`` and ``zoo bundle``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.api.signing import public_key_path
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.spec import FetchOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import list_models, model_info
from zoo.catalogs.sources import load_registry
from zoo.settings import Settings, from_environment
from zoo.transfer import bundle as bundles
from zoo.transfer import bundle_import as bundle_imports
from zoo.transfer import mirror as mirrors
from zoo.transfer.bundle import Bundle
from zoo.transfer.bundle_import import ImportedArtifact
from zoo.transfer.mirror import MirrorReport
from zoo.transfer.targets import mirror_target


def mirror(
    target: Path | str,
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
    """Copy published files to a folder or bucket that any static server can serve to ``--mirror``.

    Args:
        target: Folder, or an address of fsspec such as ``s3://bucket/prefix``.
        names: Entries; none selects the whole catalog.
        request: Artifacts of each entry; an empty request selects every current file.
        task: Only entries of this task.
        family: Only entries of this family.
        jobs: Files copied at the same time.
        dry_run: Only report which files are present.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: See ``registry.errors``; the failure of a single file is in the report.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names] or list_models(settings=chosen)
    entries = [e for e in entries if task in (None, e.task) and family in (None, e.family)]
    files = mirrors.select_files(entries, request or FetchOptions())
    resolver = resolver_for(SourceOptions(settings=chosen), reporter=reporter)
    return mirrors.mirror(files, mirror_target(str(target)), resolver, jobs=jobs, dry_run=dry_run)


def bundle(
    names: Sequence[str],
    request: FetchOptions,
    *,
    out: Path,
    jobs: int = 4,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Bundle:
    """Write artifacts into one file that ``import_bundle`` imports on a machine without a network.

    Args:
        names: Entries.
        request: Artifacts of each entry, as for ``fetch_many``.
        out: The file.
        jobs: Artifacts fetched at the same time.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    orders = [(entry, want) for entry in entries for want in request.specs(entry)]
    return bundles.bundle(
        orders,
        out,
        resolver_for(SourceOptions(settings=chosen), reporter=reporter),
        build=request.build,
        jobs=jobs,
    )


def import_bundle(
    path: Path | str,
    *,
    sha256: str | None = None,
    key: Path | str | None = None,
    identity: str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> tuple[ImportedArtifact, ...]:
    """Import the artifacts of a bundle into the cache: all of them, or none.

    Args:
        path: The bundle.
        sha256: Digest it must have; None accepts any.
        key: Public key of the signer, whose signature is next to the bundle.
        identity: Name of a trusted identity, instead of the key.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        UsageError: ``bundle-too-new``.
        IntegrityError: It is damaged, its artifacts do not match the catalog, or its conversions cannot be
            trusted: without digest, key and identity, each is run again and must give the same bytes.
    """
    chosen = settings or from_environment()
    resolver = resolver_for(SourceOptions(settings=chosen), reporter=reporter)
    signer = public_key_path(key, identity, chosen)
    return bundle_imports.import_bundle(
        Path(path), resolver, load_registry(chosen), sha256=sha256, key=signer
    )
