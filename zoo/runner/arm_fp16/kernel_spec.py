"""Specification of a kernel: its names, its parameters, and how its computation is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from converters.formats.graph import AttributeValue, Operator
from registry.errors import ConversionError
from zoo._utils.arrays import Array, Doubles
from zoo._utils.choices import LiteBuild

Compute: TypeAlias = Callable[..., tuple[Array, ...]]
"""Maps input arrays to output arrays."""


class UnsupportedKernelError(Exception):
    """An operator is used in a way whose rounding is not verified."""


@dataclass(frozen=True, eq=False)
class BoundOperator:
    """An operator of a network with the weights of that network.

    Attributes:
        operator: The operator.
        weights: The network's FP16 weights, by name.
        build: The build of the runtime whose rounding is reproduced.
    """

    operator: Operator
    weights: Mapping[str, Doubles]
    build: LiteBuild = "published"

    def require(self, **allowed: AttributeValue | frozenset[AttributeValue]) -> None:
        """Check that attributes have verified values; an attribute may be absent.

        Raises:
            UnsupportedKernelError: An attribute has another value.
        """
        for name, values in allowed.items():
            found = self.operator.attributes.get(name)
            if found is None:
                continue
            if found not in (values if isinstance(values, frozenset) else (values,)):
                raise UnsupportedKernelError(f"{name} {found}")

    def integers(self, name: str) -> tuple[int, ...]:
        """Read an attribute that is a list of integers.

        Raises:
            UnsupportedKernelError: The attribute is absent or of another type.
        """
        found = self.operator.attributes.get(name)
        if not isinstance(found, tuple):
            raise UnsupportedKernelError(f"{name} {found}")
        numbers = tuple(value for value in found if isinstance(value, int))
        if len(numbers) != len(found):
            raise UnsupportedKernelError(f"{name} {found}")
        return numbers

    def integer(self, name: str) -> int:
        """Read an integer attribute; errors as for :meth:`integers`."""
        found = self.operator.attributes.get(name)
        if not isinstance(found, int):
            raise UnsupportedKernelError(f"{name} {found}")
        return found

    def number(self, name: str) -> float:
        """Read a numeric attribute; errors as for :meth:`integers`."""
        found = self.operator.attributes.get(name)
        if not isinstance(found, (int, float)):
            raise UnsupportedKernelError(f"{name} {found}")
        return float(found)

    def weight(self, parameter: str) -> Doubles | None:
        """Return the weight bound to a parameter of the operator; None if the parameter is unbound.

        Raises:
            UnsupportedKernelError: The weight is not one that is rounded to FP16 on loading.
        """
        names = self.operator.inputs.get(parameter, ())
        if not names:
            return None
        if len(names) != 1 or names[0] not in self.weights:
            raise UnsupportedKernelError(f"{parameter} that is not an FP16 weight")
        return self.weights[names[0]]


@dataclass(frozen=True)
class KernelSpec:
    """A supported kernel.

    Attributes:
        kernels: Names as ``target/precision/alias``. Elementwise kernels have the alias ``def`` up to opt
            2.13rc0 and ``def_fp16`` after; they compute the same.
        build: Builds the computation, or raises ``UnsupportedKernelError``.
        dtype: Element type of the inputs; None if any type is accepted.
        inputs: Parameters bound to activations, in the order of the computation's arguments.
        weights: Parameters bound to weights.
        outputs: Parameters bound to the results, in order. Other output parameters are never written.
    """

    kernels: frozenset[str]
    build: Callable[[BoundOperator], Compute]
    dtype: np.dtype[np.float64] | np.dtype[np.float32] | None
    inputs: tuple[str, ...] = ("X",)
    weights: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("Out",)


def unverified_error(case: str) -> ConversionError:
    """Error for a tensor whose shape or type leads to an unverified path through a kernel."""
    return ConversionError(
        "fp16-op-unverified",
        f"the rounding of ARM kernels is not verified for {case}",
        expected="shapes like those of the networks the emulation was verified on",
        found=case,
        done="no result was computed",
        hint="--precision fp32 runs the x86 file instead",
    )
