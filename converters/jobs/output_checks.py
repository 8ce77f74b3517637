"""Checks that compare the output of a converter with the request; exit status and log are not trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats import Inspection, Tensor
from registry.errors import ConversionError

# opt appends these to the name of an output when it inserts a change of precision, processor or layout.
_RENAMED = re.compile(r"(/(precision|target|layout)_trans)+$")


@dataclass(frozen=True)
class OutputChecks:
    """Rejects outputs that do not match the request.

    Attributes:
        tool: The tool that wrote the output.
        log: Log file of the tool.
    """

    tool: str
    log: Path

    def require_equal(self, what: str, expected: object, found: object) -> None:
        """Reject a property with an unexpected value.

        Raises:
            ConversionError: ``output-mismatch``.
        """
        if expected != found:
            raise ConversionError(
                "output-mismatch",
                f"{self.tool} reported success, but its output does not match the requested options",
                expected=f"{what}: {expected}",
                found=f"{what}: {found}",
                done=f"the output was discarded; the log is {self.log}",
                hint="try another version of the tool, or report it with the model",
            )

    def require_same_tensors(self, kind: str, expected: Sequence[Tensor], found: Sequence[Tensor]) -> None:
        """Reject inputs or outputs that differ from those of the source model.

        Names and order must be equal; element types and extents must agree where both sides state them.

        Args:
            kind: ``inputs`` or ``outputs``.
            expected: Tensors of the source model.
            found: Tensors of the converted model.

        Raises:
            ConversionError: ``output-mismatch``.
        """
        names = [_RENAMED.sub("", tensor.name) for tensor in found]
        self.require_equal(kind, [tensor.name for tensor in expected], names)
        for before, after in zip(expected, found, strict=True):
            if before.dtype and after.dtype:
                self.require_equal(f"type of {before.name}", before.dtype, after.dtype)
            if not _shapes_agree(before, after):
                self.require_equal(f"shape of {before.name}", before.shape, after.shape)


def dominant_weight_type(found: Inspection) -> str:
    """Return ``fp16`` or ``fp32``; an FP16 file keeps values outside the range of FP16 as FP32."""
    elements = found.details["parameter_elements"]
    counts = {name: int(str(count)) for name, count in elements.items()} if isinstance(elements, dict) else {}
    return "fp16" if counts.get("float16", 0) > counts.get("float32", 0) else "fp32"


def _shapes_agree(one: Tensor, other: Tensor) -> bool:
    if one.shape is None or other.shape is None:
        return True
    if len(one.shape) != len(other.shape):
        return False
    return all(None in pair or pair[0] == pair[1] for pair in zip(one.shape, other.shape, strict=True))
