"""A checkpoint in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

WeightsFormat = Literal["weights", "safetensors"]
"""``weights`` is a ``.pdparams`` pickle; the names are those of `converters.formats`."""


@dataclass(frozen=True, eq=False)
class Checkpoint(Mapping[str, "NDArray[Any]"]):
    """Parameters by name, in file order; the arrays are read-only, in C order and native byte order.

    Attributes:
        format: Format of the source file.
        arrays: The parameters; two names can share one array.
        metadata: Free text of a safetensors file; empty for a pickle.
    """

    format: WeightsFormat
    arrays: Mapping[str, NDArray[Any]]
    metadata: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", MappingProxyType(dict(self.arrays)))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape by name, for `compare_state_dict`."""
        return {name: array.shape for name, array in self.arrays.items()}
