"""Checks the values of a checkpoint before the export."""

from __future__ import annotations

from dataclasses import replace

from converters.checkpoints import Checkpoint
from registry.errors import ConversionError
from registry.schema import Entry

_VARIANCE = "._variance"  # suffix of the variance of a batch norm, in every network family here


def as_float32(checkpoint: Checkpoint, entry: Entry) -> Checkpoint:
    """Convert the parameters to FP32, the precision of the network.

    FP16 parameters, as training with mixed precision saves them, are widened, which changes no value.

    Args:
        checkpoint: The parameters.
        entry: The entry that defines the architecture.

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
            expected=f"float32, the precision of {entry.id}, or float16, which widens to float32 exactly",
            found=dtype,
            done="nothing was converted, because the values would change",
            hint="save the parameters as float32, for example with param.astype('float32')",
        )
    return replace(
        checkpoint, arrays={name: array.astype("float32", copy=False) for name, array in checkpoint.items()}
    )


def require_numbers(checkpoint: Checkpoint, entry: Entry) -> None:
    """Reject parameters that are not finite, and negative variances.

    They make every output of the network NaN, in every format, and no converter reports it.

    Args:
        checkpoint: The parameters.
        entry: The entry that defines the architecture.

    Raises:
        ConversionError: ``weights-not-finite``.
    """
    import numpy as np  # heavy, and not in the light install

    wrong = {
        name: "NaN or infinity" if not np.isfinite(array).all() else "a negative variance"
        for name, array in checkpoint.items()
        if not np.isfinite(array).all() or (name.endswith(_VARIANCE) and bool((array < 0).any()))
    }
    if wrong:
        name, found = next(iter(wrong.items()))
        raise ConversionError(
            "weights-not-finite",
            f"{len(wrong)} of {len(checkpoint)} parameters of {entry.id} contain invalid values",
            expected="finite numbers, and variances of 0 or more",
            found=f"{found} in {name}",
            done="nothing was converted, because all outputs would be NaN",
            hint="use an earlier checkpoint: training diverged before this one was saved",
        )
