"""All kernels whose arithmetic is known. What is not here is refused, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from zoo.runner.arm_fp16 import activations, convolution, elementwise, indices, layout, pooling
from zoo.runner.arm_fp16 import interpolation as resizing
from zoo.runner.arm_fp16.float16 import HALF, SINGLE
from zoo.runner.arm_fp16.rule import BoundOperator, Compute, KernelSpec

_ARM = frozenset({"arm/float16/def"})
_ELEMENTWISE = frozenset({"arm/float16/def", "arm/float16/def_fp16"})
_HOST = frozenset({"host/any/def"})


def _half(
    build: Callable[[BoundOperator], Compute], kernels: frozenset[str] = _ARM, **more: tuple[str, ...]
) -> KernelSpec:
    return KernelSpec(kernels, build, HALF, **more)


def _other(
    kernel: str,
    build: Callable[[BoundOperator], Compute],
    takes: np.dtype[np.float32] | None = None,
    **more: tuple[str, ...],
) -> KernelSpec:
    return KernelSpec(frozenset({kernel}), build, takes, **more)


_CONVOLUTION = _half(convolution.build, inputs=("Input",), weights=("Filter", "Bias"), outputs=("Output",))

KERNELS: Mapping[str, KernelSpec] = MappingProxyType(
    {
        "arg_max": _other("arm/any/fp32", indices.build_arg_max, SINGLE),
        "bilinear_interp_v2": _half(resizing.build_bilinear),
        "calib": KernelSpec(
            frozenset({"arm/float16/fp32_to_fp16", "arm/float16/fp16_to_fp32"}),
            layout.build_calibration,
            None,
            inputs=("Input",),
        ),
        "concat": _other("arm/any/def", layout.build_concat),
        "conv2d": _CONVOLUTION,
        "depthwise_conv2d": _CONVOLUTION,
        "elementwise_add": _half(elementwise.build_sum, _ELEMENTWISE, inputs=("X", "Y")),
        "elementwise_mul": _half(elementwise.build_product, _ELEMENTWISE, inputs=("X", "Y")),
        "fill_constant": _other("host/any/def", indices.build_constant, inputs=()),
        "fusion_elementwise_add_activation": _half(
            elementwise.build_activated_sum, _ELEMENTWISE, inputs=("X", "Y")
        ),
        "hard_sigmoid": _half(activations.build_hard_sigmoid),
        "hard_swish": _half(activations.build_hard_swish),
        "nearest_interp_v2": _half(resizing.build_nearest),
        "pool2d": _half(pooling.build),
        "relu": _half(activations.build_relu),
        "reshape2": _other("host/any/def", layout.build_reshape, inputs=("X", "ShapeTensor")),
        "shape": _other("host/any/def", indices.build_shape, inputs=("Input",)),
        "shuffle_channel": _other("host/float/def", layout.build_shuffle, SINGLE),
        "sigmoid": _half(activations.build_sigmoid),
        "slice": _other("arm/float/int32_slice", indices.build_slice, inputs=("Input",)),
        "split": _other("host/float/def", layout.build_split, SINGLE),
        "transpose2": _other("arm/any/def", layout.build_transpose),
    }
)
"""Operator type to rule."""
