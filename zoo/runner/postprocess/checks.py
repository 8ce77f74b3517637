"""Checks that detect invalid network outputs although the engine reported success."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from registry.errors import ConversionError
from zoo._utils.arrays import Array

_HINT = "check that the file was made for this processor: zoo inspect FILE"


def check_indices(indices: Array, map_size: tuple[int, int]) -> None:
    """Refuse arg-max outputs that point outside the heat map.

    A Lite file that runs on the wrong processor reports success and returns garbage, which shows in its
    indices.

    Args:
        indices: Flat cell indices of any shape.
        map_size: Width and height of a heat map.

    Raises:
        ConversionError: ``index-out-of-range``.
    """
    cells = map_size[0] * map_size[1]
    if indices.size and (indices.min() < 0 or indices.max() >= cells):
        raise ConversionError(
            "index-out-of-range",
            "the network's arg-max output points outside its heat maps",
            expected=f"indices from 0 to {cells - 1}",
            found=f"indices from {indices.min()} to {indices.max()}",
            done="the results of this run were discarded",
            hint=_HINT,
        )


def check_finite(outputs: Iterable[Array]) -> None:
    """Refuse outputs with infinities or NaN.

    Raises:
        ConversionError: ``output-not-finite``.
    """
    for position, output in enumerate(outputs):
        if not np.isfinite(output).all():
            raise ConversionError(
                "output-not-finite",
                f"output {position} of the network contains values that are not finite",
                expected="finite values",
                found=f"{np.count_nonzero(~np.isfinite(output))} of {output.size} values are not finite",
                done="the results of this run were discarded",
                hint=_HINT,
            )
