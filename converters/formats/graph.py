"""What the legacy program and the Lite model have in common: blocks of variables and operators."""

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
"""Dimensions of a tensor; NumPy before 2.0 knows no more."""

MAX_ENTRIES = 200_000
"""Operators, variables or tensors in one file: some hundred times the largest network in the catalog."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value of a program.

    Attributes:
        name: Name, unique within its block.
        kind: What it holds, in the spelling of framework.proto (``lod_tensor``, ``feed_minibatch``, …).
        dtype: Element type in NumPy spelling; None for what is not a tensor.
        dims: Extents, -1 for open ones; None when the file does not record them.
        persistable: Whether it outlives a run: parameters do, activations do not.
    """

    name: str
    kind: str
    dtype: str | None
    dims: tuple[int, ...] | None
    persistable: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """The implementation Paddle-Lite chose for an operator.

    Attributes:
        alias: Which of several implementations of the same place, for example ``def`` or ``fp32_to_fp16``.
        target: Processor, in Paddle-Lite's spelling (``arm``, ``host``, ``x86``, ``opencl``, …).
        precision: Arithmetic, in Paddle-Lite's spelling (``float``, ``float16``, ``int8_t``, ``any``, …).
        layout: Memory order (``NCHW``, ``any``, ``ImageDefault``, …).
    """

    alias: str
    target: str
    precision: str
    layout: str


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a program.

    Attributes:
        type: Operator type, for example ``conv2d``.
        inputs: Parameter of the operator to the variables bound to it.
        outputs: Likewise for what it writes.
        attributes: Attribute values; None for a kind of attribute that holds no plain value.
        kernel: The kernel, in Lite models only.
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
    """A list of operators with the variables they work on; block 0 is the main program."""

    index: int
    parent: int
    variables: Mapping[str, Variable]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A parameter as it lies in a file.

    Attributes:
        name: Name; None where the file stores tensors in order and without names.
        dtype: Element type in NumPy spelling.
        dims: Extents.
        offset: First byte of the data, counted from the start of the file.
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
    """Digest of parameters by what they hold, so that renamed or reordered ones are the same.

    Args:
        tensors: Element type in NumPy spelling, extents and bytes of each.
    """
    single = sorted(
        hashlib.sha256(f"{dtype} {dims}\n".encode() + bytes(data)).digest() for dtype, dims, data in tensors
    )
    return hashlib.sha256(b"".join(single)).hexdigest()


def feeds(blocks: Iterable[Block]) -> tuple[Variable, ...]:
    """The inputs of a program: what its feed operators write, by column.

    A feed of a variable that the block does not declare yields a variable of unknown type and shape.
    """
    return _columns(blocks, FEED, "Out", written=True)


def fetches(blocks: Iterable[Block]) -> tuple[Variable, ...]:
    """The outputs of a program: what its fetch operators read, by column."""
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
    """Operator type to count over all blocks, feed and fetch left out, sorted by name."""
    types = Counter(operator.type for block in blocks for operator in block.operators)
    return {name: types[name] for name in sorted(types) if name not in {FEED, FETCH}}


def as_tensor(variable: Variable) -> Tensor:
    """A variable as an input or output of an artifact: open extents become None."""
    shape = (
        None if variable.dims is None else tuple(None if extent < 0 else extent for extent in variable.dims)
    )
    return Tensor(name=variable.name, shape=shape, dtype=variable.dtype)


def elements_by_dtype(tensors: Iterable[StoredTensor]) -> dict[str, int]:
    """Element type to number of scalars, sorted by name."""
    totals: Counter[str] = Counter()
    for tensor in tensors:
        totals[tensor.dtype] += tensor.elements
    return dict(sorted(totals.items()))
