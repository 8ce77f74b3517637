"""Blocks, variables and operators, as legacy programs and Lite models both have them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from converters.formats.inspection import Tensor

Scalar: TypeAlias = bool | int | float | str
AttributeValue: TypeAlias = Scalar | tuple[Scalar, ...] | None

FEED, FETCH = "feed", "fetch"

MAX_RANK = 32
"""Largest number of dimensions; the limit of NumPy before 2.0."""

MAX_ENTRIES = 200_000
"""Largest number of operators, variables or tensors in one file; the largest catalog model has 1 % of it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value of a program.

    Attributes:
        name: Name, unique within its block.
        kind: Variable type in the spelling of framework.proto (``lod_tensor``, ``feed_minibatch``, …).
        dtype: Element type in NumPy spelling; None where the variable is not a tensor.
        dims: Extents, -1 for a dynamic one; None when the file does not record them.
        persistable: Whether it persists between runs: true for parameters, false for activations.
    """

    name: str
    kind: str
    dtype: str | None
    dims: tuple[int, ...] | None
    persistable: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel that Paddle-Lite selected for an operator.

    Attributes:
        alias: Name of the implementation among those of one place, for example ``def`` or ``fp32_to_fp16``.
        target: Processor in Paddle-Lite's spelling (``arm``, ``host``, ``x86``, ``opencl``, …).
        precision: Arithmetic in Paddle-Lite's spelling (``float``, ``float16``, ``int8_t``, ``any``, …).
        layout: Memory order (``NCHW``, ``any``, ``ImageDefault``, …).
    """

    alias: str
    target: str
    precision: str
    layout: str


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a program.

    Attributes:
        type: Operator type, for example ``conv2d``.
        inputs: Variables by input parameter of the operator.
        outputs: Variables by output parameter of the operator.
        attributes: Attribute values by name; None for an attribute without a plain value.
        kernel: The kernel; Lite models only.
    """

    type: str
    inputs: Mapping[str, tuple[str, ...]]
    outputs: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, AttributeValue]
    kernel: Kernel | None = None

    @property
    def reads(self) -> Iterator[str]:
        """Names of all variables bound to its inputs."""
        return (name for bound in self.inputs.values() for name in bound)


@dataclass(frozen=True, slots=True)
class Block:
    """Operators with their variables; block 0 is the main program."""

    index: int
    parent: int
    variables: Mapping[str, Variable]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A parameter stored in a file.

    Attributes:
        name: Name; None where the file stores tensors without names.
        dtype: Element type in NumPy spelling.
        dims: Extents.
        offset: Position of the data in the file.
        size: Length of the data in bytes.
    """

    name: str | None
    dtype: str
    dims: tuple[int, ...]
    offset: int
    size: int

    @property
    def elements(self) -> int:
        """Number of scalars."""
        return math.prod(self.dims)


def content_digest(tensors: Iterable[tuple[str, tuple[int, ...], bytes | memoryview]]) -> str:
    """Digest the contents of parameters, independent of their names and order.

    Args:
        tensors: Element type in NumPy spelling, extents and bytes of each tensor.
    """
    single = sorted(
        hashlib.sha256(f"{dtype} {dims}\n".encode() + bytes(data)).digest() for dtype, dims, data in tensors
    )
    return hashlib.sha256(b"".join(single)).hexdigest()


def feeds(blocks: Iterable[Block]) -> tuple[Variable, ...]:
    """Return the inputs of a program: the outputs of its feed operators, sorted by column.

    An undeclared variable gets unknown type and shape.
    """
    return _columns(blocks, FEED, "Out", written=True)


def fetches(blocks: Iterable[Block]) -> tuple[Variable, ...]:
    """Return the outputs of a program: the inputs of its fetch operators, sorted by column."""
    return _columns(blocks, FETCH, "X", written=False)


def _columns(blocks: Iterable[Block], kind: str, parameter: str, *, written: bool) -> tuple[Variable, ...]:
    found: list[tuple[int, Variable]] = []
    for block in blocks:
        for operator in block.operators:
            if operator.type != kind:
                continue
            column = operator.attributes.get("col")
            for name in (operator.outputs if written else operator.inputs).get(parameter, ()):
                unknown = Variable(name, "unknown", None, None, persistable=False)
                found.append((column if isinstance(column, int) else 0, block.variables.get(name, unknown)))
    return tuple(variable for _, variable in sorted(found, key=lambda pair: pair[0]))


def count_operators(blocks: Iterable[Block]) -> dict[str, int]:
    """Count operators by type over all blocks, without feed and fetch, sorted by name."""
    types = Counter(operator.type for block in blocks for operator in block.operators)
    return {name: types[name] for name in sorted(types) if name not in {FEED, FETCH}}


def as_tensor(variable: Variable) -> Tensor:
    """Convert a variable to an input or output of an artifact: dynamic extents become None."""
    shape = (
        None if variable.dims is None else tuple(None if extent < 0 else extent for extent in variable.dims)
    )
    return Tensor(name=variable.name, shape=shape, dtype=variable.dtype)


def elements_by_dtype(tensors: Iterable[StoredTensor]) -> dict[str, int]:
    """Count scalars by element type, sorted by name."""
    totals: Counter[str] = Counter()
    for tensor in tensors:
        totals[tensor.dtype] += tensor.elements
    return dict(sorted(totals.items()))
