"""Which catalogs hold on this machine: ours, those of installed packages, and those the user names.

Precedence, lowest first: the shipped catalog; packages with an entry point in the group
``paddle_zoo.catalogs``, by name; then what ``--catalog`` (or ``ZOO_CATALOG``) lists, left to right. An
entry point names a package whose folder holds catalog files.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from registry.catalog_io.files import SHIPPED, files_of
from registry.errors import CatalogError, IntegrityError, NetworkError, UsageError
from zoo.settings import Settings

if TYPE_CHECKING:
    from registry.index import Index
    from registry.registry import Registry

ENTRY_POINTS = "paddle_zoo.catalogs"
MAX_BYTES = 32 * 1024 * 1024
"""Bound on a catalog from a server; ours is below half a megabyte."""

_ADDRESS = re.compile(r"(?P<url>https?://[^#]+)(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?(?P<rest>#.*)?")


def files(settings: Settings) -> tuple[Path, ...]:
    """The catalog files that hold, lowest precedence first.

    Args:
        settings: Names the user's catalogs and the store in which those from a server are kept.

    Raises:
        CatalogError: A path does not exist, or a package has no catalog.
        UsageError: An address has no digest.
        NetworkError: A catalog is not here, and its server cannot be asked.
        IntegrityError: A server sent other bytes than the digest names.
    """
    named = [_local(catalog, settings) for catalog in settings.catalogs]
    return files_of(SHIPPED, *_packages(), *named)


def registry_of(settings: Settings) -> Registry:
    """All entries of the catalogs that hold.

    Args:
        settings: As for ``files``.

    Raises:
        ZooError: As for ``files``; CatalogError also where a file breaks the schema.
    """
    import registry

    return registry.load(*files(settings))


def index_of(settings: Settings) -> Index:
    """The rows of the catalogs that hold, without building the entries where an index is at hand.

    Args:
        settings: As for ``files``.

    Raises:
        ZooError: As for ``registry_of``.
    """
    from registry import index

    chosen = files(settings)
    if all(file.parent == SHIPPED for file in chosen):
        return index.read(chosen, index.SHIPPED_INDEX)
    key = hashlib.sha256("\0".join(map(str, chosen)).encode()).hexdigest()[:16]
    return index.read(chosen, settings.catalog_cache / f"index-{key}.jsonl")


def _packages() -> list[Path]:
    # Imported here: only what reads a catalog has to know the installed packages.
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    folders = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        # Found, not imported: listing models runs nobody's code.
        spec = find_spec(point.module) if "." not in point.module else None
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            raise CatalogError(
                "catalog-not-found",
                f"the entry point {point.name!r} of {ENTRY_POINTS} names {point.value!r}",
                expected="a package, at the top level, whose folder holds catalog files",
                hint="mend or uninstall that package",
            )
        folders.append(Path(places[0]))
    return folders


def _local(catalog: str, settings: Settings) -> Path:
    if "://" not in catalog:
        return Path(catalog).expanduser()
    address = _ADDRESS.fullmatch(catalog)
    if not address or not address["sha256"] or address["rest"]:
        raise UsageError(
            "catalog-without-digest",
            "a catalog from a server must be named with its digest",
            expected="https://host/zoo.yaml#sha256=<64 hexadecimal digits>",
            hint="sha256sum zoo.yaml",
        )
    sha256 = address["sha256"].lower()
    kept = settings.catalog_cache / f"{sha256}.yaml"
    # Hashed anew each time: it is small, and what it says decides which files are trusted.
    if not kept.is_file() or hashlib.sha256(kept.read_bytes()).hexdigest() != sha256:
        _download(address["url"], sha256, kept, settings)
    return kept


def _download(url: str, sha256: str, kept: Path, settings: Settings) -> None:
    from converters.fs.locks import acquire_waiting
    from zoo._utils.disk import sync
    from zoo._utils.progress import discard_note
    from zoo.archive.limits import Limits
    from zoo.download.body import DownloadOptions
    from zoo.download.client import download
    from zoo.download.partial import PartialFile
    from zoo.download.urls import redact

    if settings.offline:
        raise NetworkError(
            "offline",
            f"the catalog at {redact(url)} is not in the store, and the network is not to be used",
            hint="run the same command once without --offline",
        )
    part = kept.with_suffix(".part")
    with acquire_waiting(kept.with_suffix(".lock"), "fetching the same catalog", discard_note):
        found = download(
            [url], part, DownloadOptions(mirrors=(url,), limits=Limits(download_bytes=MAX_BYTES))
        )
        if found.digest.sha256 != sha256:
            PartialFile(part).discard()
            raise IntegrityError(
                "digest-mismatch",
                f"the catalog at {redact(url)} is not the one that was asked for",
                expected=f"sha256 {sha256}",
                found=f"sha256 {found.digest.sha256}",
                done="nothing was kept",
                hint="look at what changed, then name the new digest",
            )
        sync(part)
        part.replace(kept)
        sync(kept.parent)
        PartialFile(part).discard()
