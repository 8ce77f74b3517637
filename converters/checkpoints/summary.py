"""Summary of a weights file, without its values."""

from __future__ import annotations

import math
from pathlib import Path

from converters.checkpoints.checkpoint import WeightsFormat
from registry.schema.base import Model


class WeightTensor(Model):
    """One named tensor.

    Attributes:
        name: Parameter name.
        shape: Extents, outermost first; empty for a scalar.
        dtype: NumPy name of the element type.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """Number of scalars."""
        return math.prod(self.shape)


class WeightsSummary(Model):
    """Names, shapes and types of a weights file.

    Attributes:
        path: The file.
        format: ``weights`` for a ``.pdparams`` pickle, or ``safetensors``.
        size: Bytes of the file.
        tensors: Tensors in file order.
        metadata: Free text of a safetensors file; empty for a pickle.
        ignored: Names of values that do not belong to the network: of an optimizer, a moving average, a
            counter.
    """

    path: Path
    format: WeightsFormat
    size: int
    tensors: tuple[WeightTensor, ...]
    metadata: dict[str, str]
    ignored: tuple[str, ...] = ()

    @property
    def elements(self) -> int:
        """Number of scalars in all tensors; a tensor under two names counts twice."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape by name, for `compare_state_dict`."""
        return {tensor.name: tensor.shape for tensor in self.tensors}
