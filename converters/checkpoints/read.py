"""Reads training checkpoints, telling the format from the bytes and never from the name."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from converters.checkpoints.checkpoint import Checkpoint, WeightsFormat
from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.paddle_pickle import read_state_dict
from converters.checkpoints.safetensors_header import PREFIX, Header, HeaderEntry, header_length, parse_header
from converters.checkpoints.stored_array import StoredArray, missing_package
from converters.checkpoints.summary import WeightsSummary, WeightTensor
from registry.errors import NotFoundError

MAX_FILE = 256 << 20
"""The largest published checkpoint of these families is under 40 MB; reading takes at most about three
times the size of the file in memory."""

_PICKLE_PROTOCOL = 0x80
_OLD_PICKLE_STARTS = b"(c}"  # protocols 0 and 1 have no prefix; these open dictionaries and calls
_FOREIGN = {
    b"PK\x03\x04": "a zip archive, which is how PyTorch saves",
    b"\x1f\x8b": "a gzip archive",
    b"<": "markup, perhaps an error page instead of a download",
    b"\x00\x00\x00\x00": "a tensor in Paddle's own binary form, as in .pdiparams",
}


def read_weights(path: Path) -> Checkpoint:
    """Reads a ``.pdparams`` pickle or a safetensors file without executing anything in it.

    Args:
        path: The file; its name does not matter.

    Returns:
        Parameters by name as read-only arrays.

    Raises:
        NotFoundError: ``weights-not-found`` when there is no such file.
        IntegrityError: ``unsafe-pickle``, ``weights-truncated``, ``weights-malformed``,
            ``weights-too-large`` or ``not-a-checkpoint``.
        ConversionError: ``weights-unsupported`` when it holds something other than named plain arrays.
        MissingToolError: numpy, or for safetensors the safetensors package, is not installed.
    """
    errors = CheckpointErrors(path)
    with _opened(path) as file:
        data = _read_all(file, errors)
    if detect_format(data[: PREFIX + 1], errors) == "safetensors":
        return _read_safetensors(data, errors)
    stored = read_state_dict(data, errors)
    # Two names of one array stay one array.
    made = {id(array): array.to_numpy() for array in stored.values()}
    return Checkpoint("weights", {name: made[id(array)] for name, array in stored.items()}, {})


def summarize(path: Path) -> WeightsSummary:
    """Names, shapes and element types, without numpy; of a safetensors file only the header is read.

    Raises:
        NotFoundError: ``weights-not-found`` when there is no such file.
        IntegrityError: As `read_weights`.
        ConversionError: As `read_weights`.
    """
    errors = CheckpointErrors(path)
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        kind = detect_format(file.read(PREFIX + 1), errors)
        file.seek(0)
        described: dict[str, HeaderEntry] | dict[str, StoredArray]
        if kind == "safetensors":
            header = _read_header(file, size, errors)
            described, metadata = header.tensors, header.metadata
        else:
            described, metadata = read_state_dict(_read_all(file, errors), errors), {}
    tensors = tuple(
        WeightTensor(name=name, shape=entry.shape, dtype=entry.element.name)
        for name, entry in described.items()
    )
    return WeightsSummary(path=path, format=kind, size=size, tensors=tensors, metadata=metadata)


def detect_format(start: bytes, errors: CheckpointErrors) -> WeightsFormat:
    """Tells a pickle from safetensors by the first nine bytes.

    A safetensors header begins at byte 8 with a brace. A pickle of protocol 2 or later begins with 0x80;
    it is a safetensors file all the same when the first eight bytes are a plausible length.

    Raises:
        IntegrityError: ``not-a-checkpoint`` when it is neither, ``weights-truncated`` when it is empty.
    """
    plausible_length = start[4:PREFIX] == b"\x00" * 4
    if start[PREFIX:] == b"{" and (plausible_length or start[0] != _PICKLE_PROTOCOL):
        return "safetensors"
    if start and (start[0] == _PICKLE_PROTOCOL or start[:1] in _OLD_PICKLE_STARTS):
        return "weights"
    if not start:
        raise errors.truncated("before its first byte", expected="a checkpoint", found="an empty file")
    known = [what for magic, what in _FOREIGN.items() if start.startswith(magic)]
    raise errors.foreign(known[0] if known else f"bytes that begin with {shorten(start.hex(' '))}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # Looked at before it is opened: opening a pipe waits for its other end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise NotFoundError(
                "weights-not-found",
                f"{path} is not a file",
                expected="a .pdparams or safetensors file",
                hint="zoo fetch NAME --weights gets a published one",
            )
        file = path.open("rb")
    except OSError as error:
        raise NotFoundError(
            "weights-not-found", f"{path} cannot be read: {error.strerror}", hint=f"ls -l {path}"
        ) from None
    with file:
        yield file


def _read_all(file: BinaryIO, errors: CheckpointErrors) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if size > MAX_FILE:
        raise errors.too_large("its size", limit=MAX_FILE, found=f"{size} bytes")
    return file.read(size)


def _read_header(file: BinaryIO, size: int, errors: CheckpointErrors) -> Header:
    length = header_length(file.read(PREFIX), size, errors)
    return parse_header(file.read(length), size - PREFIX - length, errors)


def _read_safetensors(data: bytes, errors: CheckpointErrors) -> Checkpoint:
    header = _read_header(io.BytesIO(data), len(data), errors)
    try:  # imported here because the light install describes checkpoints without the tensor packages
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ImportError as error:
        raise missing_package("safetensors") from error
    try:
        arrays = load(data)
    except SafetensorError as error:  # its JSON parser is stricter than Python's in a few corners
        raise errors.malformed("the safetensors header is not sound", found=shorten(str(error))) from None
    for array in arrays.values():
        array.setflags(write=False)
    return Checkpoint("safetensors", {name: arrays[name] for name in header.tensors}, header.metadata)
