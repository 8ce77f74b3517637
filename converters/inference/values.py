"""What the numbers of a checkpoint must be before a network is built of them."""

from __future__ import annotations

from dataclasses import replace

from converters.checkpoints import Checkpoint
from registry.errors import ConversionError
from registry.schema import Entry

_VARIANCE = "._variance"  # the end of a batch norm's name for it, in every network family here


def as_float32(checkpoint: Checkpoint, entry: Entry) -> Checkpoint:
    """The parameters in the precision the network computes in.

    Half precision, as training with mixed precision saves it, is widened: every half number is a single one.

    Args:
        checkpoint: The parameters.
        entry: Whose network it is.

    Raises:
        ConversionError: ``weights-not-float32`` for types whose values would change.
    """
    others = {
        name: array.dtype.name
        for name, array in checkpoint.items()
        if array.dtype.name not in ("float32", "float16")
    }
    if others:
        name, dtype = next(iter(others.items()))
        raise ConversionError(
            "weights-not-float32",
            f"{len(others)} of {len(checkpoint)} parameters are not float32, for example {name}",
            expected=f"float32, as {entry.id} computes, or float16, which widens to it exactly",
            found=dtype,
            done="nothing was converted: the values would change",
            hint="export them as float32, for example with a state dict of param.astype('float32')",
        )
    return replace(
        checkpoint, arrays={name: array.astype("float32", copy=False) for name, array in checkpoint.items()}
    )


def require_numbers(checkpoint: Checkpoint, entry: Entry) -> None:
    """Pass only parameters that can give numbers: finite, and variances at least 0.

    Everything a network hands out becomes NaN otherwise, in every format, and no converter says so.

    Args:
        checkpoint: The parameters.
        entry: Whose network it is.

    Raises:
        ConversionError: ``weights-not-finite``.
    """
    import numpy as np  # heavy: as everywhere

    wrong = {
        name: "NaN or infinity" if not np.isfinite(array).all() else "a negative variance"
        for name, array in checkpoint.items()
        if not np.isfinite(array).all() or (name.endswith(_VARIANCE) and bool((array < 0).any()))
    }
    if wrong:
        name, found = next(iter(wrong.items()))
        raise ConversionError(
            "weights-not-finite",
            f"{len(wrong)} of {len(checkpoint)} parameters of {entry.id} hold values no result can come of",
            expected="finite numbers, and variances of 0 or more",
            found=f"{found} in {name}",
            done="nothing was converted: all outputs would be NaN",
            hint="take an earlier checkpoint: training diverged before this one was saved",
        )
