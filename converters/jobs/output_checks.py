"""Comparing what a converter made with what it was asked for; its own word for it does not count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats import Inspection, Tensor
from registry.errors import ConversionError

# opt appends these to an output when it puts a change of precision, processor or layout in front of it.
_RENAMED = re.compile(r"(/(precision|target|layout)_trans)+$")


@dataclass(frozen=True)
class Proof:
    """Refuses what is not as asked.

    Attributes:
        tool: Who made it.
        log: Where its output is.
    """

    tool: str
    log: Path

    def equal(self, what: str, wanted: object, found: object) -> None:
        """Refuse a property that differs.

        Raises:
            ConversionError: ``output-mismatch``.
        """
        if wanted != found:
            raise ConversionError(
                "output-mismatch",
                f"{self.tool} reported success but made something other than asked for",
                expected=f"{what}: {wanted}",
                found=f"{what}: {found}",
                done=f"the file was not kept; the log is {self.log}",
                hint="try another version of the tool, or report it with the model",
            )

    def same_ends(self, kind: str, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> None:
        """Refuse inputs or outputs that are not those of the program.

        Names and order have to be equal; element types and extents where both sides record them.

        Args:
            kind: ``inputs`` or ``outputs``.
            wanted: Those of the program.
            found: Those of what was made of it.

        Raises:
            ConversionError: ``output-mismatch``.
        """
        names = [_RENAMED.sub("", tensor.name) for tensor in found]
        self.equal(kind, [tensor.name for tensor in wanted], names)
        for one, other in zip(wanted, found, strict=True):
            if one.dtype and other.dtype:
                self.equal(f"type of {one.name}", one.dtype, other.dtype)
            if not _may_be_same_shape(one, other):
                self.equal(f"shape of {one.name}", one.shape, other.shape)


def mostly_stored_as(found: Inspection) -> str:
    """``fp16`` or ``fp32``: in a half-precision file, numbers that half cannot hold stay single."""
    elements = found.details["parameter_elements"]
    counts = {name: int(str(count)) for name, count in elements.items()} if isinstance(elements, dict) else {}
    return "fp16" if counts.get("float16", 0) > counts.get("float32", 0) else "fp32"


def _may_be_same_shape(one: Tensor, other: Tensor) -> bool:
    if one.shape is None or other.shape is None:
        return True
    if len(one.shape) != len(other.shape):
        return False
    return all(None in pair or pair[0] == pair[1] for pair in zip(one.shape, other.shape, strict=True))
