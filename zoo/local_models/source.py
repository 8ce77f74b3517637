"""A model on disk as a value: its files, and what they say beyond the entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from registry.choices import Normalization, Precision, Target
from registry.schema import ArtifactKind, Entry
from registry.schema.protocol import MulticlassNms
from zoo.local_models.options import NO_OPTIONS, ModelOptions

RELEASE = "local"
"""Release of the entries that are made from files."""

_EXPORTED_NAMES = ("model", "inference")
"""Base names that every exported model has; their folder has the name of the model."""


@dataclass(frozen=True)
class Doubt:
    """A field of an entry that the files do not settle.

    Attributes:
        field: Path of the field in the entry, for example ``output.classes``.
        note: Where its value comes from, and how to state it.
    """

    field: str
    note: str


@dataclass(frozen=True)
class LocalSource:
    """The files of a model on disk.

    Attributes:
        name: The path as the user named it.
        path: File, or folder of an inference model, from which conversions start.
        kind: Kind of artifact.
        program: Format of an inference model; None for other kinds.
        precision: Precision of the file; None where the format does not show it.
        target: Processor family of a Paddle-Lite file.
        normalization: Whether the host or the graph normalizes pixels; None if it is not known.
        nms: Suppression that the configuration recommends to the caller.
        box_threshold: Score above which the configuration has boxes drawn.
        config: The configuration file that was read.
        options: Statements of the user.
        doubts: Fields that the files do not settle.
    """

    name: str
    path: Path
    kind: ArtifactKind
    program: Literal["program", "pir"] | None = None
    precision: Precision | None = None
    target: Target | None = None
    normalization: Normalization | None = None
    nms: MulticlassNms | None = None
    box_threshold: float | None = None
    config: Path | None = None
    options: ModelOptions = NO_OPTIONS
    doubts: tuple[Doubt, ...] = ()

    @property
    def stem(self) -> str:
        """Base name of converted files."""
        path = Path(self.name).absolute()
        if path.is_dir():
            return path.name
        stem = path.stem.removesuffix(".tar")
        return path.parent.name or stem if stem in _EXPORTED_NAMES else stem


@dataclass(frozen=True)
class LocatedModel:
    """A model that a command was given: an entry of the catalog, or files on disk.

    Attributes:
        entry: The entry; for files, one that describes them.
        local: The files; None for an entry of the catalog.
    """

    entry: Entry
    local: LocalSource | None = None
