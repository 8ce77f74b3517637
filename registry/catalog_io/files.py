"""Finds the files of a catalog."""

from __future__ import annotations

from pathlib import Path

from registry.errors import CatalogError

SHIPPED = Path(__file__).parents[1] / "catalog"
"""Folder of the catalog that ships with the package."""


MAX_SIZE = 32 * 1024 * 1024
"""Bound on the bytes of a catalog file; the largest of the shipped catalog is below 100 kB."""


def list_catalog_files(*paths: Path | str) -> tuple[Path, ...]:
    """List the catalog files below some paths, lowest precedence first.

    Args:
        paths: Files, and folders of files.

    Raises:
        CatalogError: A path does not exist, is no regular file or is too large, or a folder has no catalog
            file.
    """
    return tuple(file for path in paths for file in _expand(Path(path)))


def _expand(path: Path) -> list[Path]:
    try:
        return _list_files(path)
    except (OSError, ValueError) as error:  # no permission, a name that is too long or contains NUL
        raise CatalogError(
            "catalog-unreadable",
            f"{path}: cannot be read: {error}",
            expected="a catalog file, or a folder of catalog files",
            hint="correct --catalog or ZOO_CATALOG; without them the shipped catalog is used",
        ) from None


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        _check_file(path)
        return [path]
    files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.glob(pattern))
    if not files:
        raise CatalogError(
            "catalog-empty",
            f"{path}: no .yaml file in this folder",
            hint=f"ls {path}; zoo registry schema prints the fields of an entry",
        )
    for file in files:
        _check_file(file)
    return files


def _check_file(path: Path) -> None:
    """Check that a path is a file that can be read without blocking and into memory."""
    if not path.is_file():
        exists = path.exists()
        raise CatalogError(
            "catalog-unreadable" if exists else "catalog-not-found",
            f"{path}: {'not a regular file' if exists else 'no such file or folder'}",
            expected="a catalog file, or a folder of catalog files",
            hint="correct --catalog or ZOO_CATALOG; without them the shipped catalog is used",
        )
    if path.stat().st_size > MAX_SIZE:
        raise CatalogError(
            "catalog-too-large",
            f"{path}: larger than {MAX_SIZE // 2**20} MiB",
            hint="split the catalog into several files in one folder",
        )
