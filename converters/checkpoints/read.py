"""Read training checkpoints; the format is detected from the bytes, never from the name."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from converters.checkpoints.checkpoint import Checkpoint, WeightsFormat
from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.paddle_pickle import read_state_dict
from converters.checkpoints.safetensors_header import PREFIX, Header, HeaderEntry, header_length, parse_header
from converters.checkpoints.stored_array import StoredArray, missing_package
from converters.checkpoints.summary import WeightsSummary, WeightTensor
from converters.checkpoints.training_state import training_tensors
from registry.errors import NotFoundError

MAX_FILE = 256 << 20
"""Largest accepted file in bytes.

The largest published checkpoint of the supported families has less than 40 MB; reading takes at most about
three times the size of the file in memory.
"""

_PICKLE_PROTOCOL = 0x80
_OLD_PICKLE_STARTS = b"(c}"  # protocols 0 and 1 have no prefix; these bytes start dictionaries and calls
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive, the format of PyTorch",
    b"\x1f\x8b": "a gzip archive",
    b"<": "markup, possibly an error page from the server",
    b"\x00\x00\x00\x00": "a tensor in Paddle's own binary form, as in .pdiparams",
}


def read_weights(path: Path) -> Checkpoint:
    """Read a ``.pdparams`` pickle or a safetensors file without executing anything in it.

    Optimizer states and moving averages next to the parameters of the network are left out.

    Args:
        path: The file, under any name.

    Returns:
        Parameters by name as read-only arrays.

    Raises:
        NotFoundError: ``weights-not-found`` when there is no such file.
        IntegrityError: ``unsafe-pickle``, ``weights-truncated``, ``weights-malformed``,
            ``weights-too-large`` or ``not-a-checkpoint``.
        ConversionError: ``weights-unsupported`` when it contains something other than named plain arrays.
        MissingToolError: numpy, or for safetensors the safetensors package, is not installed.
    """
    errors = CheckpointErrors(path)
    with _open_file(path) as file:
        data = _read_all(file, errors)
    if detect_format(data[: PREFIX + 1], errors) == "safetensors":
        return _read_safetensors(data, errors)
    stored = read_state_dict(data, errors).arrays
    # Two names of one array share the converted array.
    converted = {id(array): array.to_numpy() for array in stored.values()}
    return Checkpoint("weights", {name: converted[id(array)] for name, array in stored.items()}, {})


def summarize(path: Path) -> WeightsSummary:
    """Summarize names, shapes and element types, without numpy; of safetensors, only the header is read.

    Raises:
        NotFoundError: ``weights-not-found`` when there is no such file.
        IntegrityError: As for `read_weights`.
        ConversionError: As for `read_weights`.
    """
    errors = CheckpointErrors(path)
    with _open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        kind = detect_format(file.read(PREFIX + 1), errors)
        file.seek(0)
        entries: Mapping[str, HeaderEntry | StoredArray]
        if kind == "safetensors":
            header = _read_header(file, size, errors)
            extra = set(training_tensors(header.tensors))
            ignored = tuple(name for name in header.tensors if name in extra)
            entries = {name: entry for name, entry in header.tensors.items() if name not in extra}
            metadata = header.metadata
        else:
            (entries, ignored), metadata = read_state_dict(_read_all(file, errors), errors), {}
    tensors = tuple(
        WeightTensor(name=name, shape=entry.shape, dtype=entry.element.name)
        for name, entry in entries.items()
    )
    return WeightsSummary(
        path=path, format=kind, size=size, tensors=tensors, metadata=metadata, ignored=ignored
    )


def detect_format(start: bytes, errors: CheckpointErrors) -> WeightsFormat:
    """Distinguish a pickle from safetensors by the first nine bytes.

    A safetensors header starts with a brace at byte 8. A pickle of protocol 2 or later starts with 0x80, and
    so can a safetensors file: there, the first eight bytes are a plausible length.

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
    known = [what for magic, what in _OTHER_FORMATS.items() if start.startswith(magic)]
    raise errors.not_a_checkpoint(known[0] if known else f"bytes that start with {shorten(start.hex(' '))}")


@contextmanager
def _open_file(path: Path) -> Iterator[BinaryIO]:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise _unreadable_error(path, error) from None
    # Check the type first: opening a pipe blocks until the other end is opened.
    if not stat.S_ISREG(mode):
        raise NotFoundError(
            "weights-not-found",
            f"{path} is not a file",
            expected="a .pdparams or safetensors file",
            hint="fetch published weights: zoo fetch NAME --weights",
        )
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise _unreadable_error(path, error) from None


def _unreadable_error(path: Path, error: Exception) -> NotFoundError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return NotFoundError("weights-not-found", f"cannot read {path}", found=reason, hint=f"ls -l {path}")


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
    except SafetensorError as error:  # its JSON parser is stricter than Python's in a few cases
        raise errors.malformed("the safetensors header is invalid", found=shorten(str(error))) from None
    for array in arrays.values():
        array.setflags(write=False)
    extra = set(training_tensors(header.tensors))
    kept = {name: arrays[name] for name in header.tensors if name not in extra}
    return Checkpoint("safetensors", kept, header.metadata)
