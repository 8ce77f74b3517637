"""Merges catalogs: decides which entry a name refers to when several files define it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry.schema import CatalogItem


@dataclass(frozen=True)
class NameConflict:
    """A name that an earlier catalog defines already.

    Attributes:
        index: Index of the entry in its file.
        message: The name and the place of its first definition.
    """

    index: int
    message: str


@dataclass
class CatalogOverlay:
    """Entries of several catalogs, added from the lowest precedence to the highest.

    The first file that defines a name owns it. A later file takes the name over only if it lists the name
    under ``replaces``: an entry that shadows another by accident would change what a script fetches.

    Attributes:
        entries: Every entry by its id.
        aliases: Names that a catalog replaced, with the id they refer to now.
    """

    entries: dict[str, CatalogItem] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _definitions: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        entries: Sequence[CatalogItem],
        locations: Sequence[str],
        replacements: Mapping[str, CatalogItem],
    ) -> list[NameConflict]:
        """Add the entries of one file.

        Args:
            entries: The entries.
            locations: File and line of each entry.
            replacements: Names that this file takes over, with the entry each refers to.

        Returns:
            A conflict for each entry whose name is taken; those entries are not added.
        """
        conflicts = []
        for index, (entry, location) in enumerate(zip(entries, locations, strict=True)):
            names = [entry.id, *([entry.name] if entry.default else [])]
            taken = [name for name in names if name in self._definitions and name not in replacements]
            if taken:
                name = taken[0] if "@" in taken[0] else f"{taken[0]} (default release)"
                message = f"{name} is already defined at {self._definitions[taken[0]]}"
                conflicts.append(NameConflict(index, message))
                continue
            self._definitions.update(dict.fromkeys(names, location))
            self.entries[entry.id] = entry
        self.aliases.update({name: entry.id for name, entry in replacements.items()})
        return conflicts
