"""An array as stored in a file: described without numpy, converted with numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from converters.checkpoints.dtypes import ElementType
from converters.checkpoints.errors import CheckpointErrors, shorten
from registry.errors import MissingToolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ByteOrder = Literal["<", ">", "|"]

MAX_DIMENSIONS = 32  # the limit of numpy 1.x; no parameter of the supported architectures has more than 4
MAX_EXTENT = 2**40  # keeps products of extents small integers, and numpy away from overflow
MAX_ELEMENTS = 2**48  # limits empty arrays, whose other extents take no bytes
MAX_NAME = 512


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array as bytes.

    Attributes:
        element: Element type.
        shape: Extents, outermost first.
        byte_order: ``<`` little, ``>`` big, ``|`` for one-byte elements.
        fortran_order: Whether the first index varies fastest.
        data: Exactly the bytes of the array.
    """

    element: ElementType
    shape: tuple[int, ...]
    byte_order: ByteOrder
    fortran_order: bool
    data: memoryview

    @property
    def elements(self) -> int:
        """Number of scalars."""
        return math.prod(self.shape)

    def to_numpy(self) -> NDArray[Any]:
        """Copy to a read-only array in C order and native byte order.

        The copy is needed: arrays in a pickle are not aligned, and consumers in C++ can assume aligned
        data.

        Raises:
            MissingToolError: numpy is not installed.
        """
        try:  # imported here because the light install describes checkpoints without numpy
            import numpy as np
        except ImportError as error:
            raise missing_package("numpy") from error
        stored = np.dtype(self.element.name).newbyteorder(self.byte_order)
        view = np.ndarray(self.shape, stored, self.data, order="F" if self.fortran_order else "C")
        array = np.array(view, dtype=self.element.name, order="C")
        array.setflags(write=False)
        return array


def as_shape(extents: object) -> tuple[int, ...] | None:
    """Convert a value from a file to a shape; None unless it is a short list of bounded extents."""
    if (
        isinstance(extents, (tuple, list))
        and len(extents) <= MAX_DIMENSIONS
        and all(type(extent) is int and 0 <= extent < MAX_EXTENT for extent in extents)
        and math.prod(max(extent, 1) for extent in extents) <= MAX_ELEMENTS
    ):
        return tuple(extents)
    return None


def check_name(name: str, errors: CheckpointErrors) -> None:
    """Reject a name that is not a printable attribute path, which could also corrupt a terminal.

    Raises:
        IntegrityError: ``weights-malformed``.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise errors.malformed("a tensor name is invalid", expected="printable text", found=shorten(name))


def require_numpy() -> None:
    """Raise an error where numpy is missing, without importing it.

    Raises:
        MissingToolError: ``package-missing``.
    """
    if find_spec("numpy") is None:
        raise missing_package("numpy")


def missing_package(name: str) -> MissingToolError:
    """Build the error for a missing package that tensors need."""
    return MissingToolError(
        "package-missing",
        f"reading and writing weights needs {name}, which is not installed",
        hint="pip install 'paddle-zoo[convert]'",
    )
