"""What ``zoo list`` prints, from the index where that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.catalogs.sources import index_of
from zoo.settings import Settings

if TYPE_CHECKING:
    from registry.search import Conditions


@dataclass(frozen=True)
class Sheet:
    """A table of entries of one kind.

    Attributes:
        head: Head cells.
        cells: Body cells, a row an entry.
    """

    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """What a search came to.

    Attributes:
        models: The models.
        pipelines: The pairs of them; their times are of another scope, so they have a table of their own.
        excluding: Where nothing was found, the conditions that no entry meets, even taken alone.
    """

    models: Sheet
    pipelines: Sheet
    excluding: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return not self.models.cells and not self.pipelines.cells


def listing(conditions: Conditions, settings: Settings) -> Listing:
    """The rows of the entries that meet every condition.

    Args:
        conditions: What they have to meet.
        settings: Names the catalogs.

    Raises:
        UsageError: The expression is malformed, or a condition names what no entry knows.
        CatalogError: A catalog is broken.
    """
    index = index_of(settings)
    rows, facts = index.rows, index.facts
    rows = tuple(rows[place] for place in conditions.chosen(facts))
    heads = index.heads

    def sheet(kind: str) -> Sheet:
        return Sheet(heads[kind], tuple(row.cells for row in rows if row.kind == kind))

    return Listing(sheet("model"), sheet("pipeline"), () if rows else conditions.excluding(facts))


def whole(settings: Settings) -> str:
    """The listing of all entries as text, as the index keeps it.

    Args:
        settings: Names the catalogs.

    Raises:
        CatalogError: A catalog is broken.
    """
    return index_of(settings).table


def names(prefix: str, settings: Settings) -> list[str]:
    """Names of entries that begin so, for completion in a shell.

    Releases are offered only to those who have typed the ``@``: otherwise every name would be offered twice.

    Args:
        prefix: What was typed so far.
        settings: Names the catalogs.
    """
    return [
        name
        for name in index_of(settings).names
        if name.startswith(prefix) and ("@" in prefix) == ("@" in name)
    ]
