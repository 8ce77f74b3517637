"""Catalogs laid over each other: which entry a name means when several files speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from registry.schema.entry import Entry
from registry.schema.pipeline import Pipeline

Listed = Entry | Pipeline
"""What has a name in a catalog."""


@dataclass(frozen=True)
class NameConflict:
    """A name that is taken.

    Attributes:
        index: Place of the entry in its file.
        message: Who has the name.
    """

    index: int
    message: str


@dataclass
class CatalogOverlay:
    """Entries of several catalogs, lowest precedence first.

    A name belongs to whoever came first. A later file takes it over only by saying so under ``replaces``: an
    entry that shadows another by accident would change what a script fetches.

    Attributes:
        entries: Every entry by its id.
        aliases: Names that a catalog took over, with the id they mean now.
    """

    entries: dict[str, Listed] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)

    def add(
        self, entries: Sequence[Listed], places: Sequence[str], taken: dict[str, Listed]
    ) -> list[NameConflict]:
        """Lays one file's entries on top.

        Args:
            entries: Its entries.
            places: Where each stands, as file and line.
            taken: Names this file takes over, with the entry each means.

        Returns:
            The entries whose names are somebody else's; they are left out.
        """
        clashes = []
        for index, (entry, place) in enumerate(zip(entries, places, strict=True)):
            owned = [entry.id, *([entry.name] if entry.default else [])]
            clash = next((name for name in owned if name in self._owners and name not in taken), None)
            if clash:
                what = clash if "@" in clash else f"{clash} (default release)"
                clashes.append(NameConflict(index, f"{what} is already defined at {self._owners[clash]}"))
                continue
            self._owners.update(dict.fromkeys(owned, place))
            self.entries[entry.id] = entry
        self.aliases.update({name: entry.id for name, entry in taken.items()})
        return clashes
