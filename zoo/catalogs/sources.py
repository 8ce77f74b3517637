"""Catalogs in use: the shipped one, those of installed packages, and those the user names.

Precedence, lowest first: the shipped catalog; packages with an entry point in the group
``paddle_zoo.catalogs``, by name; the catalogs of ``--catalog`` (or ``ZOO_CATALOG``), left to right. An entry
point names a package whose folder contains catalog files.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from registry.catalog_io.files import SHIPPED, list_catalog_files
from registry.errors import CatalogError, IntegrityError, NetworkError, UsageError, ZooError
from zoo.settings import Settings

if TYPE_CHECKING:
    from registry.index import Index
    from registry.registry import Registry

ENTRY_POINTS = "paddle_zoo.catalogs"
MAX_BYTES = 32 * 1024 * 1024
"""Bound on a downloaded catalog; the shipped one is below half a megabyte."""

_EXPECTED_URL = "https://host/zoo.yaml#sha256=<64 hexadecimal digits>, or https://host/zoo.yaml#identity=NAME"
_INCOMPLETE_URL = re.compile(r"//|[A-Za-z][A-Za-z0-9+.-]+:/|[^/]*:[^@]*@")
"""Start of a URL without a part of its scheme. It can contain a password."""

_ADDRESS = re.compile(
    r"(?P<url>https?://[^#]+)"
    r"(?:#sha256=(?P<sha256>[0-9a-fA-F]{64})|#identity=(?P<identity>[^#]+))?(?P<rest>#.*)?"
)


def list_files(settings: Settings) -> tuple[Path, ...]:
    """List the catalog files in use, lowest precedence first.

    Args:
        settings: Settings that name the user's catalogs and the cache for downloaded ones.

    Raises:
        CatalogError: A path does not exist, or a package has no catalog.
        UsageError: A URL is invalid or has no digest.
        NetworkError: A catalog is not cached and cannot be downloaded.
        IntegrityError: A downloaded catalog does not match its digest.
    """
    named = [_resolve(catalog, settings) for catalog in settings.catalogs]
    return list_catalog_files(SHIPPED, *_find_packages(), *named)


def load_registry(settings: Settings) -> Registry:
    """Load all entries of the catalogs in use.

    Args:
        settings: As for ``list_files``.

    Raises:
        ZooError: As for ``list_files``; CatalogError also when a file breaks the schema.
    """
    import registry

    return registry.load(*list_files(settings))


def load_index(settings: Settings) -> Index:
    """Load the rows of the catalogs in use, without building the entries if an index is cached.

    Args:
        settings: As for ``list_files``.

    Raises:
        ZooError: As for ``load_registry``.
    """
    from registry.index import SHIPPED_INDEX, read_index

    files = list_files(settings)
    if all(file.parent == SHIPPED for file in files):
        return read_index(files, SHIPPED_INDEX)
    key = hashlib.sha256("\0".join(map(str, files)).encode()).hexdigest()[:16]
    index_file = settings.catalog_cache / f"index-{key}.jsonl"
    if not index_file.is_file() and not _is_writable_cache(settings):
        return read_index(files, None)
    return read_index(files, index_file)


def _is_writable_cache(settings: Settings) -> bool:
    # Imported here because a listing from a cached index does not need it.
    from zoo._utils.cache_root import claim_cache

    try:
        claim_cache(settings.cache)
    except (ZooError, OSError):  # listing works without a cache; commands that need one report the error
        return False
    return True


def _find_packages() -> list[Path]:
    # Imported here because only commands that read a catalog need it.
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    folders = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        # The package is located, not imported: listing models must not run its code.
        try:
            spec = find_spec(point.module) if "." not in point.module else None
        # No module name; importlib.metadata of CPython 3.13 asserts that it is one.
        except (AssertionError, AttributeError, ImportError, ValueError):
            spec = None
        folder = next(iter(spec.submodule_search_locations or ()), None) if spec else None
        if folder is None:
            raise CatalogError(
                "catalog-not-found",
                f"the entry point {point.name!r} of {ENTRY_POINTS} names {point.value!r}",
                expected="a top-level package whose folder contains catalog files",
                hint="correct or uninstall that package",
            )
        folders.append(Path(folder))
    return folders


def _resolve(catalog: str, settings: Settings) -> Path:
    if "://" not in catalog:
        return _local_path(catalog)
    address = _ADDRESS.fullmatch(catalog)
    if not address or address["rest"] or not (address["sha256"] or address["identity"]):
        raise UsageError(
            "catalog-without-digest",
            "a catalog URL needs the digest or the signer of the catalog",
            expected=_EXPECTED_URL,
            hint="sha256sum zoo.yaml",
        )
    _check_url(address["url"])
    if address["identity"]:
        # Imported here because only signed catalogs need it.
        from zoo.catalogs.signed import resolve_signed

        return resolve_signed(address["url"], address["identity"], settings, max_bytes=MAX_BYTES)
    sha256 = address["sha256"].lower()
    cached = settings.catalog_cache / f"{sha256}.yaml"
    # Hashed on each use: the file is small, and its content decides which downloads are trusted.
    if not cached.is_file() or hashlib.sha256(cached.read_bytes()).hexdigest() != sha256:
        _download(address["url"], sha256, cached, settings)
    return cached


def _local_path(catalog: str) -> Path:
    from zoo.download.redaction import redact_invalid

    if _INCOMPLETE_URL.match(catalog) and not _exists(catalog):
        raise _invalid_url(redact_invalid(catalog), "it does not begin with http:// or https://")
    try:
        return Path(catalog).expanduser()
    except RuntimeError:
        raise CatalogError(
            "catalog-not-found",
            f"{catalog} refers to an unknown user's home directory",
            expected="a catalog file, or a folder of catalog files",
            hint="correct --catalog or ZOO_CATALOG",
        ) from None


def _exists(catalog: str) -> bool:
    try:
        return Path(catalog).exists()
    except (OSError, ValueError):
        return False


def _check_url(url: str) -> None:
    from registry.printable import printable
    from zoo.download.redaction import hide_path, redact
    from zoo.download.urls import origin

    try:
        origin(url)
        if printable(url) != url:
            raise ValueError("it contains control characters")
    except ValueError as error:
        raise _invalid_url(redact(url), str(error)) from None
    # Some servers take an access token as a part of the path.
    parts = urlsplit(url)
    hide_path(parts.netloc, parts.path.rpartition("/")[0])


def _invalid_url(shown: str, reason: str) -> UsageError:
    return UsageError(
        "catalog-url-invalid",
        f"cannot use the catalog URL {shown}: {reason}",
        expected=_EXPECTED_URL,
        hint="correct --catalog or ZOO_CATALOG",
    )


def _download(url: str, sha256: str, cached: Path, settings: Settings) -> None:
    from converters.fs.atomic import sync
    from converters.fs.locks import acquire_waiting
    from zoo._utils.cache_root import claim_cache
    from zoo._utils.progress import discard_note
    from zoo.archive.limits import Limits
    from zoo.download.body import DownloadOptions
    from zoo.download.client import download
    from zoo.download.partial import PartialFile
    from zoo.download.redaction import redact

    if settings.offline:
        raise NetworkError(
            "offline",
            f"the catalog at {redact(url)} is not cached, and offline mode is on",
            hint="run the same command once without --offline",
        )
    claim_cache(settings.cache)
    part = cached.with_suffix(".part")
    with acquire_waiting(cached.with_suffix(".lock"), "fetching the same catalog", discard_note):
        options = DownloadOptions(named=(url,), limits=Limits(download_bytes=MAX_BYTES))
        found = download([url], part, options)
        if found.digest.sha256 != sha256:
            PartialFile(part).discard()
            raise IntegrityError(
                "digest-mismatch",
                f"the catalog at {redact(url)} does not match its digest",
                expected=f"sha256 {sha256}",
                found=f"sha256 {found.digest.sha256}",
                done="the download was deleted",
                hint="review the changes, then pass the new digest",
            )
        sync(part)
        part.replace(cached)
        sync(cached.parent)
        PartialFile(part).discard()
