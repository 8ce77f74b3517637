"""Check that a program and a parameter file match.

opt aborts its process on parameters that are too short, too long or of another model. This check finds these
cases before native code reads the files. It cannot find other weights of the same shapes, which opt accepts.
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
        """The parameters in storage order."""


class PairReport(Model):
    """Result of comparing a program with a parameter file.

    Attributes:
        program: The program file.
        params: The parameter file.
        declared: Number of parameters that the program declares.
        stored: Number of tensors in the file.
        differences: The first ten differences in file order; empty when the files match.
    """

    program: Path
    params: Path
    declared: int
    stored: int
    differences: tuple[str, ...]

    @property
    def matches(self) -> bool:
        """Whether the files match."""
        return not self.differences

    def require_match(self) -> None:
        """Raise an error when the files differ.

        Raises:
            IntegrityError: ``program-params-mismatch``.
        """
        if self.differences:
            raise IntegrityError(
                "program-params-mismatch",
                f"{self.params} does not contain the parameters of {self.program}",
                expected=f"{self.declared} parameters with the shapes and types the program declares",
                found=f"{self.stored} parameters; {self.differences[0]}",
                done="nothing was changed",
                hint="take both files from the same export or archive",
            )


def check_pair(program: DeclaresParameters, params: Params) -> PairReport:
    """Compare declared with stored parameters: count, shapes and element types, in order.

    Args:
        program: A decoded legacy or PIR program.
        params: Decoded combined parameters.

    Returns:
        The report. Equal shapes do not show that the values belong to this program.
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
        found.append(f"the program declares {len(declared)} parameters, the file contains {len(stored)}")
    for variable, tensor in zip(declared, stored, strict=False):
        if (variable.dtype, variable.dims) != (tensor.dtype, tensor.dims):
            found.append(
                f"{variable.name}: declared {variable.dtype} {_extents(variable.dims)}, "
                f"stored {tensor.dtype} {_extents(tensor.dims)}"
            )
    return found


def _extents(dims: tuple[int, ...] | None) -> str:
    return "without extents" if dims is None else " by ".join(str(extent) for extent in dims) or "a scalar"
