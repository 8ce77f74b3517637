"""Inspection of training checkpoints and safetensors files with the reader in ``converters.checkpoints``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from converters.formats.bounded_io import file_digest
from converters.formats.dtypes import storage_precision
from converters.formats.inspection import Inspection

if TYPE_CHECKING:
    from converters.checkpoints.summary import WeightsSummary


def inspect_weights(path: Path) -> Inspection:
    """Inspect a checkpoint without executing anything in it.

    Raises:
        IntegrityError: The file is damaged, or the pickle contains more than arrays (``unsafe-pickle``).
        ConversionError: The file is valid, but not one flat dictionary of arrays (``weights-unsupported``).
    """
    # Imported here because most inspected files are not checkpoints.
    from converters.checkpoints.read import summarize

    summary = summarize(path)
    elements: Counter[str] = Counter()
    for tensor in summary.tensors:
        elements[tensor.dtype] += tensor.elements
    sha256 = file_digest(path)
    return Inspection(
        path=path,
        format=summary.format,
        size=summary.size,
        sha256=sha256,
        canonical_sha256=sha256,
        weights_precision=storage_precision(elements),
        parameters=len(summary.tensors),
        elements=summary.elements,
        details={"parameter_elements": {**dict(sorted(elements.items()))}, "metadata": {**summary.metadata}},
        warnings=tuple(_warnings(summary)),
    )


def _warnings(summary: WeightsSummary) -> Iterable[str]:
    if summary.ignored:
        shown = ", ".join(summary.ignored[:5]) + (", …" if len(summary.ignored) > 5 else "")
        yield (
            f"{len(summary.ignored)} values next to the parameters of the network are ignored, as of an "
            f"optimizer or a moving average: {shown}"
        )
    if summary.format == "weights":
        yield (
            "The file is a Python pickle, which can run code when it is loaded: zoo reads it without running "
            "code, but do not open a file of unknown origin with paddle.load."
        )
