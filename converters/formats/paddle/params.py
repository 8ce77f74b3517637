"""Reader of combined parameters (``.pdiparams``): tensors of an inference model, back to back and unnamed.

Per tensor, little-endian (Paddle, dense_tensor_serialize.cc): u32 version 0 | u64 number of LoD levels, each
as u64 size and that many bytes | u32 version 0 | i32 size of a TensorDesc message | the message | the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from converters.formats.bounded_io import file_digest, open_regular_file, read_head
from converters.formats.dtypes import ITEM_SIZES
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_ENTRIES, StoredTensor, content_digest
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from converters.formats.paddle.program import read_tensor_desc
from converters.formats.wire.protobuf import Wire

_MAX_LEVELS = 16  # LoD describes nested sequences; weights have none
_MAX_DESC = 1024  # bytes; a TensorDesc of 16 dimensions has less than 200


@dataclass(frozen=True, slots=True)
class Params:
    """A decoded file of combined parameters.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sha256: Digest of its bytes.
        tensors: The tensors in file order, without names.
        weights_sha256: Digest of the tensors by ``content_digest``.
    """

    path: Path
    size: int
    sha256: str
    tensors: tuple[StoredTensor, ...]
    weights_sha256: str

    @property
    def elements(self) -> int:
        """Number of scalars in all tensors."""
        return sum(tensor.elements for tensor in self.tensors)


def read_params(path: Path) -> Params:
    """Decode the tensor descriptions and digest the data.

    Args:
        path: The ``.pdiparams`` file.

    Raises:
        NotFoundError: The file does not exist.
        IntegrityError: ``not-a-params-file`` for another format, ``params-truncated`` when the last tensor
            extends past the end, ``params-corrupt`` when no tensor starts where the previous one ends; the
            message gives the byte.
    """
    require_kind(read_head(path, HEAD_BYTES), Kind.PARAMS, "not-a-params-file", str(path))
    errors = FormatErrors(path, "params", "a file of combined parameters")
    tensors: list[StoredTensor] = []
    with open_regular_file(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        stream = _Stream(file, size, errors)
        while stream.at < size:
            tensors.append(_tensor(stream))
            if len(tensors) > MAX_ENTRIES:
                raise errors.too_large(f"at most {MAX_ENTRIES} tensors", "more")
        weights = content_digest((tensor.dtype, tensor.dims, _data(file, tensor)) for tensor in tensors)
    return Params(path, size, file_digest(path), tuple(tensors), weights)


def _data(file: BinaryIO, tensor: StoredTensor) -> bytes:
    file.seek(tensor.offset)
    return file.read(tensor.size)


class _Stream:
    """Reads and skips bytes of the file, never past its end."""

    __slots__ = ("at", "errors", "file", "size")

    def __init__(self, file: BinaryIO, size: int, errors: FormatErrors) -> None:
        self.file, self.size, self.errors = file, size, errors
        self.at = 0

    def take(self, count: int) -> bytes:
        self._require_bytes(count)
        piece = self.file.read(count)
        if len(piece) < count:
            raise self.errors.truncated(
                self.at, f"{count} bytes", f"{len(piece)} bytes: the file shrank during reading"
            )
        self.at += count
        return piece

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def skip(self, count: int) -> None:
        self._require_bytes(count)
        self.file.seek(count, 1)
        self.at += count

    def _require_bytes(self, count: int) -> None:
        if self.at + count > self.size:
            raise self.errors.truncated(self.at, f"{self.at + count} bytes", f"a file of {self.size} bytes")


def _tensor(stream: _Stream) -> StoredTensor:
    start, errors = stream.at, stream.errors
    if version := stream.number(4):
        raise errors.corrupt(start, "version 0 at the start of a tensor", f"version {version}")
    levels = stream.number(8)
    if levels > _MAX_LEVELS:
        raise errors.corrupt(start + 4, f"at most {_MAX_LEVELS} LoD levels", str(levels))
    for _ in range(levels):
        stream.skip(stream.number(8))
    if version := stream.number(4):
        raise errors.corrupt(stream.at - 4, "version 0 of a tensor", f"version {version}")
    length = stream.number(4)
    if not 2 <= length <= _MAX_DESC:
        raise errors.corrupt(
            stream.at - 4, f"a tensor description of 2 to {_MAX_DESC} bytes", f"{length} bytes"
        )
    at = stream.at
    described = read_tensor_desc(Wire(stream.take(length), errors, origin=at).message())
    if described.dtype is None or any(extent < 0 for extent in described.dims):
        raise errors.corrupt(at, "a known element type and fixed extents", str(described))
    size = math.prod(described.dims) * ITEM_SIZES[described.dtype]
    offset = stream.at
    stream.skip(size)
    return StoredTensor(None, described.dtype, described.dims, offset, size)
