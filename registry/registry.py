"""The registry: a fixed, ordered set of models and pipelines, addressed by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.errors import NotFoundError, UsageError
from registry.schema import CatalogItem, Entry, Pipeline
from registry.search import Conditions, search
from registry.suggest import format_suggestion, looks_like_path

MAX_SHOWN = 100
"""Characters of an unknown name that a message repeats."""


class Registry:
    """Entries in a fixed order, addressed by ``name`` or ``name@release``.

    Iteration yields the models. Pipelines, which are pairs of models, are in ``pipelines``.

    Args:
        entries: Models with ids distinct from all others, at most one default release a name.
        aliases: Names that refer to another entry than the one that has them, with the id they refer to.
        pipelines: Pipelines, whose names follow the same rules.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        aliases: Mapping[str, str] | None = None,
        *,
        pipelines: Iterable[Pipeline] = (),
    ) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: (entry.task, entry.family, _sort_key(entry))))
        self._pipelines = tuple(sorted(pipelines, key=lambda pair: (pair.persons, pair.release, pair.name)))
        self._by_name = {entry.id: entry for entry in self.all_entries}
        self._by_name.update({entry.name: entry for entry in self.all_entries if entry.default})
        self._by_name.update({name: self._by_name[id] for name, id in (aliases or {}).items()})

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that ``get`` or ``find`` accepts, sorted."""
        return tuple(sorted(self._by_name))

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, in their order."""
        return self._pipelines

    @property
    def all_entries(self) -> tuple[CatalogItem, ...]:
        """The models, then the pipelines."""
        return (*self._entries, *self._pipelines)

    def get(self, name: str) -> Entry:
        """Return the model of that name.

        Args:
            name: ``name`` for its default release, or ``name@release``.

        Raises:
            NotFoundError: No such entry; the message suggests close names.
            UsageError: ``not-a-model``: the name is that of a pipeline.
        """
        found = self.find(name)
        if isinstance(found, Pipeline):
            raise UsageError(
                "not-a-model",
                f"{found.id} is a pipeline of two models: {found.detector} and {found.pose}",
                hint=f"name one of them, or: zoo run {found.pose} --detector {found.detector} IMAGE",
            )
        return found

    def find(self, name: str) -> CatalogItem:
        """Return the model or pipeline of that name.

        Args:
            name: ``name`` for its default release, or ``name@release``.

        Raises:
            NotFoundError: No such entry; the message suggests close names.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise _unknown_entry(name, self.names) from None

    def search(self, **conditions: Any) -> tuple[Entry, ...]:
        """Return the models that meet every given condition.

        Args:
            conditions: Attributes of ``registry.search.Conditions``: ``search(task=..., min_ap=...)``.

        Raises:
            UsageError: The expression is malformed, or a condition names a value that no entry has.
        """
        found = search(self.all_entries, Conditions(**conditions))
        return tuple(entry for entry in found if isinstance(entry, Entry))


def _sort_key(entry: Entry) -> tuple[str, int, int, str]:
    # Smaller inputs first, as in the published tables; by name alone 1024 would come before 128.
    return (entry.title, entry.input.height, entry.input.width, entry.id)


def _unknown_entry(name: str, known: Iterable[str]) -> NotFoundError:
    message = f"no entry is named {name[:MAX_SHOWN]!r}{'…' if len(name) > MAX_SHOWN else ''}"
    if looks_like_path(name):
        hint = "this looks like a path: check that it exists, or name an entry; zoo list shows every entry"
        return NotFoundError("unknown-entry", message, hint=hint)
    # Releases are suggested only for a name with a release: otherwise each name would appear twice.
    candidates = [candidate for candidate in known if "@" in name or "@" not in candidate]
    hint = format_suggestion(name, candidates, otherwise="zoo list shows every entry")
    return NotFoundError("unknown-entry", message, hint=hint)
