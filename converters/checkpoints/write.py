"""Writes the safe form of a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.checkpoints.dtypes import BY_NAME
from converters.checkpoints.errors import shorten
from converters.checkpoints.safetensors_header import METADATA, PREFIX
from converters.checkpoints.stored_array import missing_package
from converters.fs.atomic import publish_bytes
from registry.errors import ConversionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALIGNMENT = 8  # the format pads its header with spaces so that the tensors begin aligned


def write_safetensors(checkpoint: Mapping[str, NDArray[Any]], out: Path, metadata: Mapping[str, str]) -> None:
    """Writes named arrays as safetensors; the same arrays and metadata always give the same bytes.

    A parameter that stands under two names is written under both, because a network that holds it twice
    expects both. ``out`` appears complete or not at all.

    Args:
        checkpoint: Arrays by name, in any layout.
        out: The file to write; missing folders are made.
        metadata: Free text by key, stored in the header in sorted order.

    Raises:
        ConversionError: ``weights-unsupported`` for a name or element type the format cannot hold.
        UsageError: ``output-not-writable`` when the place cannot be written to.
        MissingToolError: ``package-missing`` without the safetensors package, ``disk-full``.
    """
    for text in (*checkpoint, *metadata, *metadata.values()):
        _check_text(text)
    for name, array in checkpoint.items():
        if name == METADATA or array.dtype.name not in BY_NAME:
            raise ConversionError(
                "weights-unsupported",
                f"{shorten(name)} of type {array.dtype} cannot be written as safetensors",
                expected=f"any name but {METADATA}, and one of {', '.join(BY_NAME)}",
                done="nothing was written",
                hint="save the state dict of the network alone: paddle.save(network.state_dict(), FILE)",
            )
    publish_bytes(_serialize(checkpoint, metadata), out)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:  # for example a path with bytes that are not UTF-8
        raise ConversionError(
            "weights-unsupported",
            f"{shorten(text)} cannot be written as safetensors",
            expected="names and metadata that are Unicode text",
            done="nothing was written",
            hint="give the file a name of plain letters, then repeat",
        ) from None


def _serialize(checkpoint: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    try:  # imported here because the light install describes checkpoints without the tensor packages
        import numpy as np
        from safetensors.numpy import save
    except ImportError as error:
        raise missing_package("safetensors") from error
    # The library writes the memory of an array as it lies, so a transposed one must be laid out first.
    laid_out = {
        name: np.asarray(array, dtype=array.dtype.name, order="C") for name, array in checkpoint.items()
    }
    return _with_metadata(save(laid_out), metadata)


def _with_metadata(serialized: bytes, metadata: Mapping[str, str]) -> bytes:
    """Adds metadata to a file that has none, in sorted order: the library's order changes from run to run."""
    start = PREFIX + int.from_bytes(serialized[:PREFIX], "little")
    tensors = json.loads(serialized[PREFIX:start])
    header = {METADATA: dict(sorted(metadata.items())), **tensors} if metadata else tensors
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(PREFIX, "little") + text + serialized[start:]
