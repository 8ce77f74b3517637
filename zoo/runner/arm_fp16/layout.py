"""What moves values or changes their type: no arithmetic, but for the rounding to half."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Array
from zoo.runner.arm_fp16.float16 import HALF, SINGLE, halves
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, UnsupportedKernelError, unsupported


def build_calibration(use: BoundOperator) -> Compute:
    """``calib``: to half or back; the kernel's alias says which."""
    kernel = use.operator.kernel
    if kernel is not None and kernel.alias == "fp32_to_fp16":
        return lambda values: (halves(_of(values, SINGLE)),)
    return lambda values: (_of(values, HALF).astype(np.float32),)


def build_concat(use: BoundOperator) -> Compute:
    """``concat`` of one type; halves are widened where the first part holds singles."""
    axis = use.integer("axis")

    def compute(*parts: Array) -> tuple[Array, ...]:
        kind = parts[0].dtype
        if any(part.dtype not in (kind, HALF if kind == SINGLE else kind) for part in parts):
            raise unsupported("a concat of halves with singles")
        return (np.concatenate([part.astype(kind, copy=False) for part in parts], axis),)

    return compute


def build_split(use: BoundOperator) -> Compute:
    """``split`` into equal parts or given extents."""
    axis, number, sections = use.integer("axis"), use.integer("num"), use.integers("sections")
    if (number > 0) == bool(sections) or any(extent < 1 for extent in sections):
        raise UnsupportedKernelError(f"num {number} with sections {sections}")
    where = number or np.cumsum(sections)[:-1]
    return lambda values: tuple(np.split(values, where, axis))


def build_reshape(use: BoundOperator) -> Compute:
    """``reshape2`` to extents of an attribute, or of tensors of one integer each."""
    fixed = use.integers("shape")

    def compute(values: Array, *extents: Array) -> tuple[Array, ...]:
        wanted = [int(extent.reshape(-1)[0]) for extent in extents] if extents else list(fixed)
        # Zero keeps the extent there is.
        shape = [extent or values.shape[place] for place, extent in enumerate(wanted)]
        return (values.reshape(shape),)

    return compute


def build_transpose(use: BoundOperator) -> Compute:
    """``transpose2``."""
    axes = use.integers("axis")
    return lambda values: (np.ascontiguousarray(values.transpose(axes)),)


def build_shuffle(use: BoundOperator) -> Compute:
    """``shuffle_channel``: channels of the groups take turns."""
    groups = use.integer("group")

    def compute(values: Array) -> tuple[Array, ...]:
        batch, channels, *extents = values.shape
        apart = values.reshape(batch, groups, channels // groups, *extents)
        return (np.ascontiguousarray(apart.swapaxes(1, 2)).reshape(values.shape),)

    return compute


def _of(values: Array, kind: np.dtype[np.float64] | np.dtype[np.float32]) -> Array:
    if values.dtype != kind:
        raise unsupported(f"a change of type from {values.dtype}")
    return values
