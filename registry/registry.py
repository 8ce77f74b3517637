"""The registry: a fixed, ordered set of models and pipelines that can be asked by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.errors import NotFoundError, UsageError
from registry.schema.entry import Entry
from registry.schema.pipeline import Pipeline
from registry.search import Conditions, search


class Registry:
    """Entries in a fixed order, addressed by ``name`` or ``name@release``.

    A registry is a collection of models; its pipelines, which are pairs of them, stand beside.

    Args:
        entries: Models with ids distinct from all others, at most one default release a name.
        aliases: Names that mean another entry than the one that bears them, with the id they mean.
        pipelines: Pipelines, with names as models have them.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        aliases: Mapping[str, str] | None = None,
        *,
        pipelines: Iterable[Pipeline] = (),
    ) -> None:
        self._entries = tuple(sorted(entries, key=lambda entry: (entry.task, entry.family, _natural(entry))))
        self._pipelines = tuple(sorted(pipelines, key=lambda pair: (pair.persons, pair.release, pair.name)))
        self._by_name = {entry.id: entry for entry in self.listed}
        self._by_name.update({entry.name: entry for entry in self.listed if entry.default})
        self._by_name.update({name: self._by_name[id] for name, id in (aliases or {}).items()})

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Every string that ``get`` answers to, sorted."""
        return tuple(sorted(self._by_name))

    @property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, in their order."""
        return self._pipelines

    @property
    def listed(self) -> tuple[Entry | Pipeline, ...]:
        """The models, then the pipelines."""
        return (*self._entries, *self._pipelines)

    def get(self, name: str) -> Entry:
        """The model of that name.

        Args:
            name: ``name`` for its default release, or ``name@release``.

        Raises:
            NotFoundError: No such entry; the message suggests close names.
            UsageError: ``not-a-model``: the name is that of a pair of models.
        """
        found = self.find(name)
        if isinstance(found, Pipeline):
            raise UsageError(
                "not-a-model",
                f"{found.id} is a pipeline of two models: {found.detector} and {found.pose}",
                hint=f"name one of them, or: zoo run {found.pose} --detector {found.detector} IMAGE",
            )
        return found

    def find(self, name: str) -> Entry | Pipeline:
        """The model or pipeline of that name.

        Args:
            name: ``name`` for its default release, or ``name@release``.

        Raises:
            NotFoundError: No such entry; the message suggests close names.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise _unknown(name, self.names) from None

    def search(self, **conditions: Any) -> tuple[Entry, ...]:
        """The models that meet every given condition.

        Args:
            conditions: Attributes of ``registry.search.Conditions``: ``search(task=..., min_ap=...)``.

        Raises:
            UsageError: The expression is malformed, or a condition names what no entry knows.
        """
        found = search(self.listed, Conditions(**conditions))
        return tuple(entry for entry in found if isinstance(entry, Entry))


def _natural(entry: Entry) -> tuple[str, int, int, str]:
    # Smaller inputs first, as the published tables have them; by name alone 1024 would come before 128.
    return (entry.title, entry.input.height, entry.input.width, entry.id)


def _unknown(name: str, known: Iterable[str]) -> NotFoundError:
    # A release is suggested only to those who wrote one: otherwise every name would be suggested twice.
    candidates = [candidate for candidate in known if "@" in name or "@" not in candidate]
    close = difflib.get_close_matches(name.lower().replace("-", "_"), candidates, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}?" if close else "zoo list shows every entry"
    return NotFoundError("unknown-entry", f"no entry is called {name!r}", hint=hint)
