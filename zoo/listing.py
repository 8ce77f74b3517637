"""What ``zoo list`` prints, from the index where that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.catalogues import index_of
from zoo.settings import Settings

if TYPE_CHECKING:
    from registry.search import Conditions


@dataclass(frozen=True)
class Listing:
    """A table of entries.

    Attributes:
        head: Head cells.
        cells: Body cells, a row an entry.
    """

    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


def listing(conditions: Conditions, settings: Settings) -> Listing:
    """The rows of the entries that meet every condition.

    Args:
        conditions: What they have to meet.
        settings: Names the catalogues.

    Raises:
        UsageError: The expression is malformed, or a condition names what no entry knows.
        CatalogueError: A catalogue is broken.
    """
    index = index_of(settings)
    rows = index.rows
    if not conditions.empty:
        rows = tuple(rows[place] for place in conditions.chosen(index.facts))
    return Listing(index.head, tuple(row.cells for row in rows))


def names(prefix: str, settings: Settings) -> list[str]:
    """Names of entries that begin so, for completion in a shell.

    Releases are offered only to those who have typed the ``@``: otherwise every name would be offered twice.

    Args:
        prefix: What was typed so far.
        settings: Names the catalogues.
    """
    return [
        name
        for name in index_of(settings).names
        if name.startswith(prefix) and ("@" in prefix) == ("@" in name)
    ]
