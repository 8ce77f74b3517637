"""Source of the calibration inputs of conversions; implemented where images are preprocessed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from converters.onnx import Calibration
from registry.choices import Normalization
from registry.schema import Entry


class Calibrator(Protocol):
    """Prepares the network inputs that determine the ranges of integer activations."""

    def prepare(
        self, entry: Entry, normalization: Normalization, *, work: Path
    ) -> AbstractContextManager[Calibration]:
        """Write the inputs to a file that exists as long as the context is open.

        Args:
            entry: The entry, which defines the preprocessing.
            normalization: Whether pixel values are normalized on the host or in the graph.
            work: Folder for temporary files.
        """
        ...
