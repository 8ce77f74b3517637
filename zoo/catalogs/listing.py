"""Rows of ``zoo list``, from the index instead of the entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.catalogs.sources import load_index
from zoo.settings import Settings

if TYPE_CHECKING:
    from registry.search import Conditions


@dataclass(frozen=True)
class EntryTable:
    """A table of entries of one kind.

    Attributes:
        head: Head cells.
        cells: Body cells, one row an entry.
    """

    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Result of a search.

    Attributes:
        models: The models.
        pipelines: The pipelines. Their latencies include pre- and post-processing, so they have their own
            table.
        unmet: If nothing was found, the conditions that no entry meets even alone.
    """

    models: EntryTable
    pipelines: EntryTable
    unmet: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return not self.models.cells and not self.pipelines.cells


def find_rows(conditions: Conditions, settings: Settings) -> Listing:
    """Return the rows of the entries that meet every condition.

    Args:
        conditions: Conditions they must meet.
        settings: Settings that name the catalogs.

    Raises:
        UsageError: The expression is malformed, or a condition names a value that no entry has.
        CatalogError: A catalog is invalid.
    """
    index = load_index(settings)
    rows, fields = index.rows, index.fields
    rows = tuple(rows[number] for number in conditions.select(fields))
    heads = index.heads

    def make_table(kind: str) -> EntryTable:
        return EntryTable(heads[kind], tuple(row.cells for row in rows if row.kind == kind))

    unmet = () if rows else conditions.find_unmet(fields)
    return Listing(make_table("model"), make_table("pipeline"), unmet)


def format_all(settings: Settings) -> str:
    """Return the listing of all entries as text, as the index stores it.

    Args:
        settings: Settings that name the catalogs.

    Raises:
        CatalogError: A catalog is invalid.
    """
    return load_index(settings).table


def complete_names(prefix: str, settings: Settings) -> list[str]:
    """Return the names of entries that start with a prefix, for shell completion.

    Releases are offered only after an ``@``: otherwise each name would appear twice.

    Args:
        prefix: Text typed so far.
        settings: Settings that name the catalogs.
    """
    return [
        name
        for name in load_index(settings).names
        if name.startswith(prefix) and ("@" in prefix) == ("@" in name)
    ]
