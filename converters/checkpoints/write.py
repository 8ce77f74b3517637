"""Write checkpoints as safetensors."""

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

_ALIGNMENT = 8  # the format pads its header with spaces, so that the tensors are aligned


def write_safetensors(checkpoint: Mapping[str, NDArray[Any]], out: Path, metadata: Mapping[str, str]) -> None:
    """Write named arrays as safetensors; the same arrays and metadata always give the same bytes.

    A parameter under two names is written under both, because its architecture expects both. The file is
    written atomically.

    Args:
        checkpoint: Arrays by name, in any layout.
        out: The file to write; missing folders are created.
        metadata: Free text by key, stored in the header in sorted order.

    Raises:
        ConversionError: ``weights-unsupported`` for a name or element type that the format does not support.
        UsageError: ``output-not-writable`` when the path cannot be written.
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
                hint="save only the state dict: paddle.save(network.state_dict(), FILE)",
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
            hint="rename the file to plain letters, then repeat",
        ) from None


def _serialize(checkpoint: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    try:  # imported here because the light install describes checkpoints without the tensor packages
        import numpy as np
        from safetensors.numpy import save
    except ImportError as error:
        raise missing_package("safetensors") from error
    # The library writes the memory of an array in its current order, so a transposed one is copied first.
    contiguous = {
        name: np.asarray(array, dtype=array.dtype.name, order="C") for name, array in checkpoint.items()
    }
    return _with_metadata(save(contiguous), metadata)


def _with_metadata(serialized: bytes, metadata: Mapping[str, str]) -> bytes:
    """Add metadata in sorted order, because the order in the library differs between runs."""
    start = PREFIX + int.from_bytes(serialized[:PREFIX], "little")
    tensors = json.loads(serialized[PREFIX:start])
    header = {METADATA: dict(sorted(metadata.items())), **tensors} if metadata else tensors
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(PREFIX, "little") + text + serialized[start:]
