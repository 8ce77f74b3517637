"""Operators that move values or convert types: no arithmetic except rounding to FP16."""

from __future__ import annotations

import numpy as np

from zoo._utils.arrays import Array
from zoo.runner.arm_fp16.float16 import FP16, FP32, round_to_fp16
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, UnsupportedKernelError, unverified_error


def build_calibration(bound: BoundOperator) -> Compute:
    """Build ``calib``: conversion to FP16 or back, selected by the kernel's alias."""
    kernel = bound.operator.kernel
    if kernel is not None and kernel.alias == "fp32_to_fp16":
        return lambda values: (round_to_fp16(_require_type(values, FP32)),)
    return lambda values: (_require_type(values, FP16).astype(np.float32),)


def build_concat(bound: BoundOperator) -> Compute:
    """Build ``concat`` of one type; FP16 parts are widened if the first part is FP32."""
    axis = bound.integer("axis")

    def compute(*parts: Array) -> tuple[Array, ...]:
        kind = parts[0].dtype
        if any(part.dtype not in (kind, FP16 if kind == FP32 else kind) for part in parts):
            raise unverified_error("concat of FP16 with FP32 parts")
        return (np.concatenate([part.astype(kind, copy=False) for part in parts], axis),)

    return compute


def build_split(bound: BoundOperator) -> Compute:
    """Build ``split`` into equal parts or given extents."""
    axis, number, sections = bound.integer("axis"), bound.integer("num"), bound.integers("sections")
    if (number > 0) == bool(sections) or any(extent < 1 for extent in sections):
        raise UnsupportedKernelError(f"num {number} with sections {sections}")
    sections_or_ends = number or np.cumsum(sections)[:-1]
    return lambda values: tuple(np.split(values, sections_or_ends, axis))


def build_reshape(bound: BoundOperator) -> Compute:
    """Build ``reshape2`` to extents from an attribute, or from tensors of one integer each."""
    fixed = bound.integers("shape")

    def compute(values: Array, *extents: Array) -> tuple[Array, ...]:
        target = [int(extent.reshape(-1)[0]) for extent in extents] if extents else list(fixed)
        # Zero keeps the current extent.
        shape = [extent or values.shape[axis] for axis, extent in enumerate(target)]
        return (values.reshape(shape),)

    return compute


def build_transpose(bound: BoundOperator) -> Compute:
    """Build ``transpose2``."""
    axes = bound.integers("axis")
    return lambda values: (np.ascontiguousarray(values.transpose(axes)),)


def build_shuffle(bound: BoundOperator) -> Compute:
    """Build ``shuffle_channel``: channels of the groups are interleaved."""
    groups = bound.integer("group")

    def compute(values: Array) -> tuple[Array, ...]:
        batch, channels, *extents = values.shape
        grouped = values.reshape(batch, groups, channels // groups, *extents)
        return (np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(values.shape),)

    return compute


def _require_type(values: Array, kind: np.dtype[np.float64] | np.dtype[np.float32]) -> Array:
    if values.dtype != kind:
        raise unverified_error(f"a type conversion from {values.dtype}")
    return values
