"""ARM FP16 emulation of a whole Paddle-Lite file: a list of steps, one per operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from converters.formats.graph import FEED, FETCH, Operator
from converters.formats.paddle_lite.nb import NbFile, decode_nb, read_nb
from registry.errors import ConversionError
from zoo._utils.arrays import Array, Doubles
from zoo._utils.choices import LiteBuild
from zoo.runner.arm_fp16.float16 import round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import (
    BoundOperator,
    Compute,
    KernelSpec,
    UnsupportedKernelError,
    unverified_error,
)
from zoo.runner.arm_fp16.operators import KERNELS


@dataclass(frozen=True, eq=False)
class Step:
    """One operator, ready to compute.

    Attributes:
        number: Index of the operator in the file.
        operator: The operator in the file.
        spec: Specification of its kernel.
        reads: Names of its inputs, in order.
        writes: Names of its outputs, in order.
        compute: The computation.
        last_uses: Names that no later step reads.
    """

    number: int
    operator: Operator
    spec: KernelSpec
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    compute: Compute
    last_uses: frozenset[str]


Observer: TypeAlias = Callable[[Step, tuple[Array, ...]], None]
"""Receives each step and its outputs: FP16 tensors as float64, others in their own type."""


class Fp16Network:
    """A loaded network. It keeps no state between runs, so several threads may run it.

    Args:
        path: A Paddle-Lite file for ARM in FP16.
        build: The build of the runtime whose rounding is reproduced: ``published`` with ``-ffast-math``, as
            in the libraries that the project publishes, or ``no-fast-math``.

    Raises:
        ConversionError: ``fp16-op-unsupported``, with all unsupported operators listed.
        IntegrityError: The file is damaged.
        NotFoundError: The file does not exist.
    """

    def __init__(self, path: Path, build: LiteBuild = "published") -> None:
        data = path.read_bytes() if path.is_file() else b""
        self.file: NbFile = decode_nb(data, path) if data else read_nb(path)
        stored = _read_parameters(self.file, data)
        # The runtime rounds marked weights when it loads them; other parameters are ordinary inputs.
        weights = {
            name: round_to_fp16(stored.pop(name)) for name in set(self.file.fp16_weights) if name in stored
        }
        self._steps = _build_steps(self.file, weights, build)
        read = {name for step in self._steps for name in step.reads}
        self._constants = {name: value for name, value in (stored | weights).items() if name in read}

    def run(self, feeds: Mapping[str, Array], observe: Observer | None = None) -> tuple[Array, ...]:
        """Compute all outputs for one input with batch extent 1, as for the golden set.

        Args:
            feeds: One array per input, by name.
            observe: Called after each operator with the step and its outputs.

        Raises:
            ConversionError: ``fp16-op-unverified``: a shape leads to an unverified path through a kernel.
        """
        values: dict[str, Array] = {**self._constants, **feeds}
        # FP16 overflows, and infinities give NaN, on a phone as well, without any error.
        with np.errstate(all="ignore"):
            for step in self._steps:
                arrays = [values[name] for name in step.reads]
                _check_inputs(step, arrays)
                outputs = step.compute(*arrays)
                values.update(zip(step.writes, outputs, strict=True))
                if observe is not None:
                    observe(step, outputs)
                for name in step.last_uses:
                    values.pop(name, None)
        return tuple(values[variable.name] for variable in self.file.outputs)


def _read_parameters(file: NbFile, data: bytes) -> dict[str, Array]:
    """Read all parameters as stored in the file."""
    return {
        tensor.name: np.frombuffer(data, tensor.dtype, tensor.elements, tensor.offset).reshape(tensor.dims)
        for tensor in file.parameters
        if tensor.name is not None
    }


def _build_steps(file: NbFile, weights: Mapping[str, Doubles], build: LiteBuild) -> tuple[Step, ...]:
    unsupported: dict[str, int] = {}
    steps: list[Step] = []
    if len(file.blocks) != 1:
        unsupported["control flow"] = len(file.blocks) - 1
    last = _last_readers(file)
    for index, operator in enumerate(file.operators):
        if operator.type in (FEED, FETCH):
            continue
        try:
            bound = BoundOperator(operator, weights, build)
            steps.append(_build_step(index, bound, frozenset(last.get(index, ()))))
        except UnsupportedKernelError as error:
            text = f"{operator.type} ({error})"
            unsupported[text] = unsupported.get(text, 0) + 1
    if unsupported:
        raise _unsupported_error(file.path, unsupported)
    return tuple(steps)


def _last_readers(file: NbFile) -> dict[int, list[str]]:
    """Map operator index to the names that no later operator reads; network outputs are kept."""
    last: dict[str, int] = {}
    for index, operator in enumerate(file.operators):
        for name in operator.reads:
            last[name] = index
    kept = {variable.name for variable in file.outputs}
    found: dict[int, list[str]] = {}
    for name, index in last.items():
        if name not in kept:
            found.setdefault(index, []).append(name)
    return found


def _build_step(number: int, bound: BoundOperator, last_uses: frozenset[str]) -> Step:
    operator = bound.operator
    kernel = operator.kernel
    name = f"{kernel.target}/{kernel.precision}/{kernel.alias}" if kernel else "no kernel"
    spec = KERNELS.get(operator.type)
    if spec is None or name not in spec.kernels:
        raise UnsupportedKernelError(f"kernel {name}")
    foreign = [
        parameter
        for parameter, names in operator.inputs.items()
        if names and parameter not in (*spec.inputs, *spec.weights)
    ]
    if foreign:
        raise UnsupportedKernelError(f"input {foreign[0]}")
    reads = tuple(_bound_names(operator.inputs, spec.inputs))
    writes = tuple(_bound_names(operator.outputs, spec.outputs))
    return Step(number, operator, spec, reads, writes, spec.build(bound), last_uses)


def _bound_names(bound: Mapping[str, Sequence[str]], parameters: Sequence[str]) -> Iterator[str]:
    return (name for parameter in parameters for name in bound.get(parameter, ()))


def _check_inputs(step: Step, arrays: Sequence[Array]) -> None:
    expected = step.spec.dtype
    for array in arrays:
        if expected is not None and array.dtype != expected:
            raise unverified_error(f"{step.operator.type} of {array.dtype}")
    if step.spec.weights and arrays[0].shape[0] != 1:
        raise unverified_error(f"a batch of {arrays[0].shape[0]}")


def _unsupported_error(path: Path, unsupported: Mapping[str, int]) -> ConversionError:
    return ConversionError(
        "fp16-op-unsupported",
        f"ARM FP16 emulation does not support all operators of {path}",
        expected=f"only {', '.join(KERNELS)}, used as in the networks the emulation was verified on",
        found=", ".join(f"{count} x {text}" for text, count in unsupported.items()),
        done="the file was not loaded",
        hint=f"zoo inspect {path} lists its operators; --precision fp32 runs the x86 file instead",
    )
