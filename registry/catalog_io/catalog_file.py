"""Schema of a catalog file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from registry.schema import CatalogItem, Entry, Model, Pipeline
from registry.schema.entry import Namespace


def _find_kind(entry: object) -> str:
    # Most entries are models, so ``kind`` is optional.
    kind = entry.get("kind", "model") if isinstance(entry, dict) else getattr(entry, "kind", "model")
    return str(kind)


TaggedItem = Annotated[
    Annotated[Entry, Tag("model")] | Annotated[Pipeline, Tag("pipeline")],
    Discriminator(
        _find_kind,
        custom_error_type="unknown_kind",
        custom_error_message="an entry is of kind model or pipeline",
    ),
]
"""An entry of either kind, told apart by its field ``kind``."""


class CatalogFile(Model):
    """A catalog file: its entries, and values that several of them share.

    Attributes:
        format: Version of the file format, written ``schema:`` in the file.
        namespace: Prefix of the names of all entries, followed by a dot: ``acme`` makes ``acme.pose``.
        replaces: Names (``name`` or ``name@release``, without the namespace) that refer to this file's entry
            instead of the one that a catalog of lower precedence gave the name to.
        shared: Anchors for YAML aliases; ignored otherwise.
        entries: Models and pipelines.
    """

    format: Literal[1] = Field(alias="schema")
    namespace: Namespace | None = None
    replaces: tuple[str, ...] = ()
    shared: Any = None
    entries: tuple[TaggedItem, ...]

    @field_validator("shared")
    @classmethod
    def _discard_shared(cls, _: object) -> None:
        return None

    @field_validator("entries")
    @classmethod
    def _apply_namespace(
        cls, entries: tuple[CatalogItem, ...], info: ValidationInfo
    ) -> tuple[CatalogItem, ...]:
        namespace = info.data.get("namespace")
        if not namespace:
            return entries
        ids = {entry.id for entry in entries}

        def rename(entry: CatalogItem) -> CatalogItem:
            names = {"name": entry.name}
            if isinstance(entry, Pipeline):
                # A pipeline may also use models of other catalogs; their names stay.
                models = {"detector": entry.detector, "pose": entry.pose}
                names |= {field: name for field, name in models.items() if name in ids}
            return entry.model_copy(update={field: f"{namespace}.{name}" for field, name in names.items()})

        return tuple(rename(entry) for entry in entries)

    def find_replacements(self) -> dict[str, CatalogItem]:
        """Map each name of ``replaces`` to the entry of this file; names without an entry are left out."""
        prefix = f"{self.namespace}." if self.namespace else ""
        own: dict[str, CatalogItem] = {entry.id: entry for entry in self.entries}
        own |= {entry.name: entry for entry in self.entries if entry.default}
        return {name: own[prefix + name] for name in self.replaces if prefix + name in own}
