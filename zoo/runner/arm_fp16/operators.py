"""Table of all supported kernels. Any other kernel is refused: its arithmetic is not guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from zoo.runner.arm_fp16 import (
    activations,
    convolution,
    distribution,
    elementwise,
    indices,
    interpolation,
    layout,
    pooling,
    suppression,
)
from zoo.runner.arm_fp16.float16 import FP16, FP32
from zoo.runner.arm_fp16.kernel_spec import BoundOperator, Compute, KernelSpec

_ARM = frozenset({"arm/float16/def"})
_ELEMENTWISE = frozenset({"arm/float16/def", "arm/float16/def_fp16"})
_HOST = frozenset({"host/any/def"})


def _fp16(
    build: Callable[[BoundOperator], Compute], kernels: frozenset[str] = _ARM, **more: tuple[str, ...]
) -> KernelSpec:
    return KernelSpec(kernels, build, FP16, **more)


def _single_kernel(
    kernel: str,
    build: Callable[[BoundOperator], Compute],
    dtype: np.dtype[np.float32] | None = None,
    **more: tuple[str, ...],
) -> KernelSpec:
    return KernelSpec(frozenset({kernel}), build, dtype, **more)


_CONVOLUTION = _fp16(convolution.build, inputs=("Input",), weights=("Filter", "Bias"), outputs=("Output",))

KERNELS: Mapping[str, KernelSpec] = MappingProxyType(
    {
        "arg_max": _single_kernel("arm/any/fp32", indices.build_arg_max, FP32),
        "bilinear_interp_v2": _fp16(interpolation.build_bilinear),
        "calib": KernelSpec(
            frozenset({"arm/float16/fp32_to_fp16", "arm/float16/fp16_to_fp32"}),
            layout.build_calibration,
            None,
            inputs=("Input",),
        ),
        "concat": _single_kernel("arm/any/def", layout.build_concat),
        "conv2d": _CONVOLUTION,
        "depthwise_conv2d": _CONVOLUTION,
        "elementwise_add": _fp16(elementwise.build_sum, _ELEMENTWISE, inputs=("X", "Y")),
        "elementwise_div": _fp16(elementwise.build_quotient, _ELEMENTWISE, inputs=("X", "Y")),
        "elementwise_mul": _fp16(elementwise.build_product, _ELEMENTWISE, inputs=("X", "Y")),
        "elementwise_sub": _fp16(elementwise.build_difference, _ELEMENTWISE, inputs=("X", "Y")),
        "fill_constant": _single_kernel("host/any/def", indices.build_constant, inputs=()),
        "fusion_elementwise_add_activation": _fp16(
            elementwise.build_activated_sum, _ELEMENTWISE, inputs=("X", "Y")
        ),
        "hard_sigmoid": _fp16(activations.build_hard_sigmoid),
        "hard_swish": _fp16(activations.build_hard_swish),
        "matmul_v2": _fp16(distribution.build_expectation, weights=("Y",)),
        "multiclass_nms3": _single_kernel(
            "host/float/def",
            suppression.build,
            FP32,
            inputs=("BBoxes", "Scores"),
            outputs=("Out", "Index", "NmsRoisNum"),
        ),
        "nearest_interp_v2": _fp16(interpolation.build_nearest),
        "pool2d": _fp16(pooling.build),
        "relu": _fp16(activations.build_relu),
        "reshape2": _single_kernel("host/any/def", layout.build_reshape, inputs=("X", "ShapeTensor")),
        "scale": _fp16(activations.build_scale),
        "shape": _single_kernel("host/any/def", indices.build_shape, inputs=("Input",)),
        "shuffle_channel": _single_kernel("host/float/def", layout.build_shuffle, FP32),
        "sigmoid": _fp16(activations.build_sigmoid),
        "slice": _single_kernel("arm/float/int32_slice", indices.build_slice, inputs=("Input",)),
        "softmax": _fp16(distribution.build_softmax),
        "split": _single_kernel("host/float/def", layout.build_split, FP32),
        "sqrt": _single_kernel("arm/float/def", activations.build_square_root, FP32),
        "transpose2": _single_kernel("arm/any/def", layout.build_transpose),
    }
)
"""Kernel by operator type."""
