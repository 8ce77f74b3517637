"""What is known of a kernel: where it is used, what it takes, and how its computation is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from converters.formats.graph import AttributeValue, Operator
from registry.errors import ConversionError
from zoo._utils.arrays import Array, Doubles

Compute: TypeAlias = Callable[..., tuple[Array, ...]]
"""Arrays of the inputs in, arrays of the outputs out."""


class UnsupportedKernelError(Exception):
    """A way to use an operator whose roundings nobody has traced."""


@dataclass(frozen=True, eq=False)
class BoundOperator:
    """An operator of a network, and the weights it reads.

    Attributes:
        operator: The operator.
        weights: The network's weights that are halves, by name.
    """

    operator: Operator
    weights: Mapping[str, Doubles]

    def require(self, **allowed: AttributeValue | frozenset[AttributeValue]) -> None:
        """Refuses values of attributes that were not traced; an attribute may be absent.

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
        """A list of integers.

        Raises:
            UnsupportedKernelError: It is absent, or something else.
        """
        found = self.operator.attributes.get(name)
        if not isinstance(found, tuple):
            raise UnsupportedKernelError(f"{name} {found}")
        numbers = tuple(value for value in found if isinstance(value, int))
        if len(numbers) != len(found):
            raise UnsupportedKernelError(f"{name} {found}")
        return numbers

    def integer(self, name: str) -> int:
        """An integer. Raises as :meth:`integers`."""
        found = self.operator.attributes.get(name)
        if not isinstance(found, int):
            raise UnsupportedKernelError(f"{name} {found}")
        return found

    def number(self, name: str) -> float:
        """A number. Raises as :meth:`integers`."""
        found = self.operator.attributes.get(name)
        if not isinstance(found, (int, float)):
            raise UnsupportedKernelError(f"{name} {found}")
        return float(found)

    def weight(self, parameter: str) -> Doubles | None:
        """The weight bound to a parameter of the operator; None where nothing is bound.

        Raises:
            UnsupportedKernelError: Not among the weights that are rounded to half on loading.
        """
        names = self.operator.inputs.get(parameter, ())
        if not names:
            return None
        if len(names) != 1 or names[0] not in self.weights:
            raise UnsupportedKernelError(f"{parameter} that is no half-precision weight")
        return self.weights[names[0]]


@dataclass(frozen=True)
class KernelSpec:
    """A kernel whose arithmetic is known.

    Attributes:
        kernels: Its places, as ``target/precision/alias``. Elementwise kernels are called ``def`` up to opt
            2.13rc0 and ``def_fp16`` after; they compute the same.
        build: Makes the computation, or refuses with an ``UnsupportedKernelError``.
        takes: Element type of the inputs; None where any will do.
        inputs: Parameters bound to what flows through the network, in the order the computation takes them.
        weights: Parameters bound to weights.
        outputs: Parameters bound to what it writes, in order. Others are written by nobody.
    """

    kernels: frozenset[str]
    build: Callable[[BoundOperator], Compute]
    takes: np.dtype[np.float64] | np.dtype[np.float32] | None
    inputs: tuple[str, ...] = ("X",)
    weights: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("Out",)


def unsupported(what: str) -> ConversionError:
    """The error for a tensor that would take a path through a kernel which nobody has traced."""
    return ConversionError(
        "fp16-op-unverified",
        f"how ARM kernels round {what} is not known",
        expected="shapes like those of the networks this interpreter was proven on",
        found=what,
        done="nothing was guessed: there is no result",
        hint="--precision fp32 runs the x86 twin",
    )
