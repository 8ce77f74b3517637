"""Reads one catalog file as plain values with line numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.catalog_io.files import MAX_SIZE
from registry.errors import CatalogError
from registry.safe_yaml import Location, Reason, YamlDocument, YamlError, YamlLimits, read_yaml_with_lines

MAX_VALUES = 500_000
"""Bound on the values of a catalog file; the largest of the shipped catalog has about 4,400."""

_CODES: dict[Reason, str] = {
    "syntax": "catalog-not-yaml",
    "limit": "catalog-too-large",
    "duplicate-key": "catalog-duplicate-key",
}


@dataclass(frozen=True)
class CatalogDocument:
    """The content of a catalog file.

    Attributes:
        path: The file.
        content: Its values and their lines.
    """

    path: Path
    content: YamlDocument

    @property
    def data(self) -> Any:
        """Dictionaries, lists and scalars."""
        return self.content.data

    def find_line(self, location: Location) -> int:
        """Return the line of a value, or of its nearest parent that has one."""
        return self.content.find_line(location)


def read_document(path: Path) -> CatalogDocument:
    """Read one catalog file.

    Args:
        path: The file, as ``list_catalog_files`` returns it.

    Raises:
        CatalogError: The file cannot be read, is not YAML, defines a key twice, or is too large once its
            aliases are expanded.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            "catalog-unreadable",
            f"{path}: cannot be read: {error}",
            expected="a YAML file in UTF-8",
            hint=f"ls -l {path}; file {path}",
        ) from None
    try:
        document = read_yaml_with_lines(text, YamlLimits(characters=MAX_SIZE, values=MAX_VALUES))
    except YamlError as error:
        advice = "split the catalog into several files" if error.reason == "limit" else "correct the line"
        raise CatalogError(
            _CODES[error.reason],
            f"{path}:{error.line}: {error.problem}",
            hint=f"{advice}, then run: zoo registry check {path}",
        ) from None
    return CatalogDocument(path, document)
