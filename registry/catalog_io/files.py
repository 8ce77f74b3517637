"""Which files make a catalog."""

from __future__ import annotations

from pathlib import Path

from registry.errors import CatalogError

SHIPPED = Path(__file__).parents[1] / "catalog"
"""The catalog that comes with the package."""


def files_of(*paths: Path | str) -> tuple[Path, ...]:
    """The catalog files that some paths mean, lowest precedence first.

    Args:
        paths: Files and folders of files.

    Raises:
        CatalogError: A path does not exist, or a folder holds no catalog.
    """
    return tuple(file for path in paths for file in _files(Path(path)))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.glob(pattern))
        if not files:
            raise CatalogError(
                "catalog-empty",
                f"{path}: no .yaml file in this folder",
                hint=f"ls {path}; zoo registry schema shows how an entry is written",
            )
        return files
    if not path.is_file():
        raise CatalogError(
            "catalog-not-found",
            f"{path}: no such file or folder",
            expected="a catalog file, or a folder of them",
            hint="correct --catalog or ZOO_CATALOG; without them the shipped catalog is used",
        )
    return [path]
