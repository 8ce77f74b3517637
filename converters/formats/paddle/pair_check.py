"""Whether a program and a file of parameters belong together.

opt aborts the whole process on parameters that are too short, too long or of another network, and runs
happily on those of the wrong weights; all but the last is decided here, before any native code sees the
files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from converters.formats.graph import StoredTensor, Variable
from converters.formats.paddle.params import Params
from registry.errors import IntegrityError
from registry.schema.base import Model

_SHOWN = 10


class DeclaresParameters(Protocol):
    """A program of either format."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def parameters(self) -> tuple[Variable, ...]:
        """The parameters in the order in which they are stored."""


class PairReport(Model):
    """Outcome of comparing a program with a file of parameters.

    Attributes:
        program: The program file.
        params: The parameter file.
        declared: Number of parameters the program wants.
        stored: Number of tensors in the file.
        differences: What does not fit, the first ten, in the order of the file; empty when both belong
            together.
    """

    program: Path
    params: Path
    declared: int
    stored: int
    differences: tuple[str, ...]

    @property
    def matches(self) -> bool:
        """Whether both belong together."""
        return not self.differences

    def require_match(self) -> None:
        """Turns a difference into an error.

        Raises:
            IntegrityError: ``program-params-mismatch``.
        """
        if self.differences:
            raise IntegrityError(
                "program-params-mismatch",
                f"{self.params} does not hold the parameters of {self.program}",
                expected=f"{self.declared} parameters with the shapes and types the program declares",
                found=f"{self.stored} parameters; {self.differences[0]}",
                done="nothing was changed",
                hint="take both files from the same export or archive",
            )


def check_pair(program: DeclaresParameters, params: Params) -> PairReport:
    """Compares what a program declares with what a file stores: count, shapes and element types in order.

    Args:
        program: A decoded legacy or PIR program.
        params: A decoded file of combined parameters.

    Returns:
        The report; equal shapes do not prove that the values belong to this network.
    """
    differences = list(_differences(program.parameters, params.tensors))
    return PairReport(
        program=program.path,
        params=params.path,
        declared=len(program.parameters),
        stored=len(params.tensors),
        differences=tuple(differences[:_SHOWN]),
    )


def _differences(declared: Sequence[Variable], stored: Sequence[StoredTensor]) -> list[str]:
    found = []
    if len(declared) != len(stored):
        found.append(f"the program declares {len(declared)} parameters, the file holds {len(stored)}")
    for variable, tensor in zip(declared, stored, strict=False):
        if (variable.dtype, variable.dims) != (tensor.dtype, tensor.dims):
            found.append(
                f"{variable.name}: declared {variable.dtype} {_extents(variable.dims)}, "
                f"stored {tensor.dtype} {_extents(tensor.dims)}"
            )
    return found


def _extents(dims: tuple[int, ...] | None) -> str:
    return "without extents" if dims is None else " by ".join(str(extent) for extent in dims) or "a scalar"
