"""A half-precision Lite file as steps that compute what its ARM kernels compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.formats.graph import FEED, FETCH, Operator
from converters.formats.paddle_lite.nb import NbFile, decode_nb, read_nb
from registry.errors import ConversionError
from zoo._utils.arrays import Array, Doubles
from zoo.runner.arm_fp16.float16 import halves
from zoo.runner.arm_fp16.operators import KERNELS
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, KernelSpec, UnsupportedKernelError, unsupported

_HEAD = ("softmax", "matmul_v2", "elementwise_sub", "elementwise_div", "multiclass_nms3")
"""Operators of a detector whose graph goes on to boxes, beyond what it needs for a raw head."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operator, ready to compute.

    Attributes:
        operator: What it is in the file.
        rule: What is known of its kernel.
        reads: Names of its inputs, in order.
        writes: Names of its outputs, in order.
        compute: The computation.
        done_with: Names nobody reads after it.
    """

    operator: Operator
    rule: KernelSpec
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    compute: Compute
    done_with: frozenset[str]


class Fp16Network:
    """A loaded network. It holds no state between runs, so several threads may run it.

    Args:
        path: A Lite file for ARM in half precision.

    Raises:
        ConversionError: ``fp16-op-unsupported``: something in it is not known, all of which is listed.
        IntegrityError: The file is damaged.
        NotFoundError: The file is not there.
    """

    def __init__(self, path: Path) -> None:
        data = path.read_bytes() if path.is_file() else b""
        self.file: NbFile = decode_nb(data, path) if data else read_nb(path)
        stored = _stored(self.file, data)
        # A runtime rounds marked weights when it loads them; other parameters flow through the network.
        weights = {name: halves(stored.pop(name)) for name in set(self.file.half_marks) if name in stored}
        self._constants = stored
        self._steps = _steps(self.file, weights)

    def run(self, feeds: Mapping[str, Array]) -> tuple[Array, ...]:
        """Computes all outputs of one input, batch extent 1, as the golden outputs were computed.

        Args:
            feeds: One array per input, by name.

        Raises:
            ConversionError: ``fp16-op-unverified``: a shape takes a path through a kernel that was not traced.
        """
        values: dict[str, Array] = {**self._constants, **feeds}
        # A half overflows, and infinities make NaN: what a phone computes silently.
        with np.errstate(all="ignore"):
            for step in self._steps:
                arrays = [values[name] for name in step.reads]
                _check(step, arrays)
                values.update(zip(step.writes, step.compute(*arrays), strict=True))
                for name in step.done_with:
                    values.pop(name, None)
        return tuple(values[variable.name] for variable in self.file.outputs)


def _stored(file: NbFile, data: bytes) -> dict[str, Array]:
    """All parameters, as they lie in the file."""
    return {
        tensor.name: np.frombuffer(data, tensor.dtype, tensor.elements, tensor.offset).reshape(tensor.dims)
        for tensor in file.parameters
        if tensor.name is not None
    }


def _steps(file: NbFile, weights: Mapping[str, Doubles]) -> tuple[Step, ...]:
    unknown: dict[str, int] = {}
    steps: list[Step] = []
    if len(file.blocks) != 1:
        unknown["control flow"] = len(file.blocks) - 1
    last = _last_readers(file)
    for place, operator in enumerate(file.operators):
        if operator.type in (FEED, FETCH):
            continue
        try:
            steps.append(_step(operator, weights, frozenset(last.get(place, ()))))
        except UnsupportedKernelError as error:
            text = f"{operator.type} ({error})"
            unknown[text] = unknown.get(text, 0) + 1
    if unknown:
        raise _refusal(file.path, unknown)
    return tuple(steps)


def _last_readers(file: NbFile) -> dict[int, list[str]]:
    """Operator number to the names that nobody reads after it; what is fetched stays."""
    last: dict[str, int] = {}
    for place, operator in enumerate(file.operators):
        for name in operator.reads:
            last[name] = place
    kept = {variable.name for variable in file.outputs}
    found: dict[int, list[str]] = {}
    for name, place in last.items():
        if name not in kept:
            found.setdefault(place, []).append(name)
    return found


def _step(operator: Operator, weights: Mapping[str, Doubles], done_with: frozenset[str]) -> Step:
    kernel = operator.kernel
    place = f"{kernel.target}/{kernel.precision}/{kernel.alias}" if kernel else "no kernel"
    rule = KERNELS.get(operator.type)
    if rule is None or place not in rule.kernels:
        raise UnsupportedKernelError(f"kernel {place}")
    foreign = [
        name for name, bound in operator.inputs.items() if bound and name not in (*rule.inputs, *rule.weights)
    ]
    if foreign:
        raise UnsupportedKernelError(f"input {foreign[0]}")
    reads = tuple(_names(operator.inputs, rule.inputs))
    writes = tuple(_names(operator.outputs, rule.outputs))
    return Step(operator, rule, reads, writes, rule.build(BoundOperator(operator, weights)), done_with)


def _names(bound: Mapping[str, Sequence[str]], parameters: Sequence[str]) -> Iterator[str]:
    return (name for parameter in parameters for name in bound.get(parameter, ()))


def _check(step: Step, arrays: Sequence[Array]) -> None:
    wanted = step.rule.takes
    for array in arrays:
        if wanted is not None and array.dtype != wanted:
            raise unsupported(f"{step.operator.type} of {array.dtype}")
    if step.rule.weights and arrays[0].shape[0] != 1:
        raise unsupported(f"a batch of {arrays[0].shape[0]}")


def _refusal(path: Path, unknown: Mapping[str, int]) -> ConversionError:
    hint = f"zoo inspect {path} lists its operators"
    if all(text.startswith(_HEAD) for text in unknown):
        hint = "zoo convert with --head raw leaves boxes and NMS out of a detector's file"
    return ConversionError(
        "fp16-op-unsupported",
        f"{path} holds what this interpreter does not know",
        expected=f"only {', '.join(KERNELS)}, used as in the networks it was proven on",
        found=", ".join(f"{count} x {text}" for text, count in unknown.items()),
        done="nothing was guessed: the file was not loaded",
        hint=hint,
    )
