"""Finds the files of a catalog."""

from __future__ import annotations

from pathlib import Path

from registry.errors import CatalogError

SHIPPED = Path(__file__).parents[1] / "catalog"
"""Folder of the catalog that ships with the package."""


def list_catalog_files(*paths: Path | str) -> tuple[Path, ...]:
    """List the catalog files below some paths, lowest precedence first.

    Args:
        paths: Files, and folders of files.

    Raises:
        CatalogError: A path does not exist, or a folder has no catalog file.
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
    if path.is_dir():
        files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.glob(pattern))
        if not files:
            raise CatalogError(
                "catalog-empty",
                f"{path}: no .yaml file in this folder",
                hint=f"ls {path}; zoo registry schema prints the fields of an entry",
            )
        return files
    if not path.is_file():
        raise CatalogError(
            "catalog-not-found",
            f"{path}: {'not a regular file' if path.exists() else 'no such file or folder'}",
            expected="a catalog file, or a folder of catalog files",
            hint="correct --catalog or ZOO_CATALOG; without them the shipped catalog is used",
        )
    return [path]
