"""Check that a program and a parameter file match.

opt aborts its process on parameters that are too short, too long or of another model. This check finds these
cases before native code reads the files. It cannot find other weights of the same shapes, which opt accepts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from converters.formats.graph import StoredTensor, Variable
from converters.formats.paddle.params import Params
from converters.formats.paddle.program import Program
from registry.errors import IntegrityError
from registry.printable import printable
from registry.schema.base import Model

_SHOWN = 10

# Paddle's quantization replaces values in the scope of a program and leaves their declarations unchanged:
# scales change their rank, and weights become integers (PostTrainingQuantization with onnx_format=True).
_QUANTIZERS = ("quantize_linear", "dequantize_linear", "fake_", "moving_average_abs_max_scale")
_SCALE_INPUTS = frozenset({"Scale", "Scales", "InScale", "ZeroPoint", "InAccum", "InState"})
_INTEGER_WEIGHT_INPUT = ("dequantize_linear", "X")
_INTEGERS = frozenset({"int8", "uint8"})


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
                found=f"{self.stored} parameters; {printable(self.differences[0])}",
                done="nothing was changed",
                hint="take both files from the same export or archive",
            )


def check_pair(program: DeclaresParameters, params: Params) -> PairReport:
    """Compare declared with stored parameters: count, shapes and element types, in order.

    A quantized program declares the types and shapes of the program it was made from. The scales of its
    quantizers can have another shape with the same number of elements, and its weights can be integers.

    Args:
        program: A decoded legacy or PIR program.
        params: Decoded combined parameters.

    Returns:
        The report. Equal shapes do not show that the values belong to this program.
    """
    roles = _quantized_roles(program) if isinstance(program, Program) else _NO_ROLES
    differences = _differences(program.parameters, params.tensors, roles)
    return PairReport(
        program=program.path,
        params=params.path,
        declared=len(program.parameters),
        stored=len(params.tensors),
        differences=tuple(differences[:_SHOWN]),
    )


class _QuantizedRoles(NamedTuple):
    """Names of the parameters that quantization can replace in a program."""

    scales: frozenset[str]
    weights: frozenset[str]


_NO_ROLES = _QuantizedRoles(frozenset(), frozenset())


def _quantized_roles(program: Program) -> _QuantizedRoles:
    inputs = [
        (operator.type, parameter, name)
        for block in program.blocks
        for operator in block.operators
        if operator.type.startswith(_QUANTIZERS)
        for parameter, names in operator.inputs.items()
        for name in names
    ]
    return _QuantizedRoles(
        frozenset(name for _, parameter, name in inputs if parameter in _SCALE_INPUTS),
        frozenset(name for kind, parameter, name in inputs if (kind, parameter) == _INTEGER_WEIGHT_INPUT),
    )


def _differences(
    declared: Sequence[Variable], stored: Sequence[StoredTensor], roles: _QuantizedRoles
) -> list[str]:
    found = []
    if len(declared) != len(stored):
        found.append(f"the program declares {len(declared)} parameters, the file contains {len(stored)}")
    return [*found, *_tensor_differences(declared, stored, roles)]


def _tensor_differences(
    declared: Sequence[Variable], stored: Sequence[StoredTensor], roles: _QuantizedRoles
) -> Iterator[str]:
    for variable, tensor in zip(declared, stored, strict=False):
        same_type = variable.dtype == tensor.dtype
        same_shape = variable.dims == tensor.dims
        if variable.name in roles.scales and variable.dims is not None:
            same_shape = math.prod(variable.dims) == tensor.elements
        if variable.name in roles.weights:
            same_type |= tensor.dtype in _INTEGERS
        if not (same_type and same_shape):
            yield (
                f"{variable.name}: declared {variable.dtype} {_extents(variable.dims)}, "
                f"stored {tensor.dtype} {_extents(tensor.dims)}"
            )


def _extents(dims: tuple[int, ...] | None) -> str:
    return "without extents" if dims is None else " by ".join(str(extent) for extent in dims) or "a scalar"
