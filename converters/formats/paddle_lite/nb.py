"""Reader of Paddle-Lite models (``.nb``): header, graph, kernels and parameters.

Layout, all numbers little-endian (Paddle-Lite, lite/model_parser/model_parser.cc and flatbuffers/io.cc):

    u16 meta version | char[16] version of opt, NUL-terminated | u64 size of the graph | graph (FlatBuffers)

and then the parameters, by meta version:

    2: u16 version 0 | u16 size of reserved bytes | u16 header size | u16 count | u32 largest tensor,
       then per parameter: u32 record size | u32 offset of the content | content (FlatBuffers)
    1: one FlatBuffers buffer with all parameters, up to the end of the file
    0: the naive buffer of Paddle-Lite before 2.7, which this reader rejects
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from converters.formats.bounded_io import read_bounded
from converters.formats.dtypes import ITEM_SIZES, PADDLE_DTYPES
from converters.formats.errors import FormatErrors
from converters.formats.graph import (
    MAX_ENTRIES,
    MAX_RANK,
    Block,
    Operator,
    StoredTensor,
    Variable,
    content_digest,
    feeds,
    fetches,
)
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from converters.formats.paddle_lite.topology import read_topology
from converters.formats.wire.flatbuffer import FlatBuffer, Table
from registry.errors import IntegrityError

_LIMIT = 1 << 30  # bytes; opt can store tensors of up to 4 GB, but no phone loads such a model
_TOPOLOGY_LIMIT = 1 << 25  # bytes; PP-TinyPose, with more than a thousand operators, takes 1.2 MB
_VERSION_AT, _VERSION_SIZE = 2, 16
_HEADER = 26
_CALIBRATION = "calib"
_FP16_SUFFIX, _SCALE_SUFFIX = "_fp16", "_quant_scale"


@dataclass(frozen=True, slots=True)
class NbFile:
    """A decoded Lite model.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sha256: Digest of its bytes.
        canonical_sha256: Digest with the uninitialized tail of the version field zeroed.
        meta_version: Container version, 1 or 2.
        opt_version: Version of the converter, for example ``v2.13-rc``.
        blocks: Blocks of operators; block 0 is the main program.
        parameters: Parameter tensors in file order.
        inputs: Inputs by column.
        outputs: Outputs by column; opt drops the extents of renamed outputs.
        weights_sha256: Digest of the parameters by ``content_digest``.
        trailing: Number of bytes after the last parameter; always 0 in version 1, where it is unknown.
    """

    path: Path
    size: int
    sha256: str
    canonical_sha256: str
    meta_version: int
    opt_version: str
    blocks: tuple[Block, ...]
    parameters: tuple[StoredTensor, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    weights_sha256: str
    trailing: int

    @property
    def operators(self) -> tuple[Operator, ...]:
        """Operators of all blocks in order, including feed and fetch."""
        return tuple(operator for block in self.blocks for operator in block.operators)

    @property
    def calibrations(self) -> tuple[Operator, ...]:
        """Operators that convert between fp32, fp16 and integers."""
        return tuple(operator for operator in self.operators if operator.type == _CALIBRATION)

    @property
    def quantized_weights(self) -> tuple[str, ...]:
        """Weights stored as integers with scales, which the runtime converts to floats at load time."""
        return tuple(
            name
            for operator in self.operators
            for name in dict.fromkeys(operator.reads)
            if name + _SCALE_SUFFIX in operator.attributes
        )

    @property
    def fp16_weights(self) -> tuple[str, ...]:
        """Weights that the runtime rounds to fp16 when it loads the model, once per operator.

        opt marks a weight with an attribute of the operator that reads it, ``<weight>_fp16 = "fp16"``
        (Paddle-Lite, fp16_attribute_pass.cc). The stored weights stay in fp32.
        """
        return tuple(
            name
            for operator in self.operators
            for name in dict.fromkeys(operator.reads)
            if operator.attributes.get(name + _FP16_SUFFIX) == "fp16"
        )


def read_nb(path: Path) -> NbFile:
    """Decode a Lite model.

    Args:
        path: The ``.nb`` file.

    Raises:
        NotFoundError: The file does not exist.
        IntegrityError: ``not-a-nb`` for another format, ``nb-truncated`` when the file ends early,
            ``nb-corrupt`` for inconsistent content, ``nb-unsupported-version`` for a container this reader
            does not know, ``nb-too-large``; the message gives the byte.
    """
    errors = FormatErrors(path, "nb", "a Paddle-Lite model")
    return decode_nb(read_bounded(path, _LIMIT, errors), path)


def decode_nb(data: bytes, path: Path) -> NbFile:
    """Decode the bytes of a Lite model; errors name ``path`` and are those of ``read_nb``."""
    errors = FormatErrors(path, "nb", "a Paddle-Lite model")
    require_kind(data[:HEAD_BYTES], Kind.NB, "not-a-nb", str(path))
    meta_version = int.from_bytes(data[:2], "little")
    opt_version = _opt_version(data, errors)
    if meta_version not in (1, 2):
        raise _unsupported_error(path, meta_version, opt_version)
    _require_bytes(data, 18, 8, errors)
    topology = int.from_bytes(data[18:_HEADER], "little")
    _require_bytes(data, _HEADER, topology, errors)
    if topology > _TOPOLOGY_LIMIT:
        raise errors.too_large(f"a graph of at most {_TOPOLOGY_LIMIT} bytes", f"{topology} bytes")
    end = _HEADER + topology
    blocks = read_topology(FlatBuffer(data, _HEADER, end, errors))
    if meta_version == 1:
        parameters, after = _combined_parameters(data, end, errors), len(data)
    else:
        parameters, after = _parameter_records(data, end, errors)
    _check_complete(blocks, parameters, end, errors)
    return NbFile(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        canonical_sha256=hashlib.sha256(canonical_nb(data)).hexdigest(),
        meta_version=meta_version,
        opt_version=opt_version,
        blocks=blocks,
        parameters=parameters,
        inputs=feeds(blocks),
        outputs=fetches(blocks),
        weights_sha256=content_digest(
            (tensor.dtype, tensor.dims, data[tensor.offset : tensor.offset + tensor.size])
            for tensor in parameters
        ),
        trailing=len(data) - after,
    )


def canonical_nb(data: bytes) -> bytes:
    """Return the model with meaningless bytes zeroed.

    opt copies 16 bytes from a shorter string into the version field, so the bytes after the NUL are
    uninitialized memory that differs between runs.

    Args:
        data: A complete ``.nb`` file.

    Returns:
        Bytes of the same length; equal inputs, tools and options give equal bytes.
    """
    field = data[_VERSION_AT : _VERSION_AT + _VERSION_SIZE]
    text, _, _ = field.partition(b"\0")
    return data[:_VERSION_AT] + text.ljust(len(field), b"\0") + data[_VERSION_AT + _VERSION_SIZE :]


def _opt_version(data: bytes, errors: FormatErrors) -> str:
    _require_bytes(data, _VERSION_AT, _VERSION_SIZE, errors)
    return data[_VERSION_AT : _VERSION_AT + _VERSION_SIZE].split(b"\0", 1)[0].decode("ascii")


def _unsupported_error(path: Path, meta_version: int, opt_version: str) -> IntegrityError:
    age = (
        "a container of Paddle-Lite before 2.7"
        if meta_version == 0
        else "in a newer container than zoo can read"
    )
    return IntegrityError(
        "nb-unsupported-version",
        f"{path} is {age}, made by opt {opt_version}",
        expected="meta version 1 or 2",
        found=f"meta version {meta_version}",
        done="only the header was read",
        hint="convert the inference model again: zoo convert MODEL --to lite",
    )


def _require_bytes(data: bytes, at: int, size: int, errors: FormatErrors) -> None:
    if at + size > len(data):
        raise errors.truncated(at, f"{at + size} bytes", f"a file of {len(data)} bytes")


@dataclass(slots=True)
class _Cursor:
    """Reads the numbers of the parameter section in order."""

    data: bytes
    at: int
    errors: FormatErrors

    def number(self, width: int) -> int:
        _require_bytes(self.data, self.at, width, self.errors)
        self.at += width
        return int.from_bytes(self.data[self.at - width : self.at], "little")

    def skip(self, size: int) -> None:
        _require_bytes(self.data, self.at, size, self.errors)
        self.at += size


def _parameter_records(data: bytes, start: int, errors: FormatErrors) -> tuple[tuple[StoredTensor, ...], int]:
    cursor = _Cursor(data, start, errors)
    if version := cursor.number(2):
        raise errors.corrupt(start, "version 0 of the parameter section", f"version {version}")
    cursor.skip(cursor.number(2))
    header_size = cursor.number(2)
    if header_size < 6:
        raise errors.corrupt(cursor.at - 2, "a parameter header of at least 6 bytes", str(header_size))
    count, largest = cursor.number(2), cursor.number(4)
    if largest > len(data):
        # The runtime allocates this size before it reads the first tensor.
        raise errors.corrupt(
            cursor.at - 4, f"a largest tensor of at most {len(data)} bytes", f"{largest} bytes"
        )
    cursor.skip(header_size - 6)
    return tuple(_parameter_record(cursor) for _ in range(count)), cursor.at


def _parameter_record(cursor: _Cursor) -> StoredTensor:
    start, errors = cursor.at, cursor.errors
    total, offset = cursor.number(4), cursor.number(4)
    if offset < 4 or offset > total:
        raise errors.corrupt(start, "a parameter that starts inside its record", f"byte {offset} of {total}")
    # The record size includes the offset field.
    end = start + 4 + total
    cursor.skip(total - 4)
    return _parameter(FlatBuffer(cursor.data, start + 4 + offset, end, errors).root(), errors)


def _combined_parameters(data: bytes, start: int, errors: FormatErrors) -> tuple[StoredTensor, ...]:
    _require_bytes(data, start, 8, errors)
    if (len(data) - start) % 4:
        # Builders align their output, so the size is the only trace of missing padding bytes.
        raise errors.truncated(len(data), "parameters of a multiple of 4 bytes", f"{len(data) - start} bytes")
    parameters: list[StoredTensor] = []
    for table in FlatBuffer(data, start, len(data), errors).root().tables(0):
        parameters.append(_parameter(table, errors))
        if len(parameters) > MAX_ENTRIES:
            raise errors.too_large(f"at most {MAX_ENTRIES} parameters", "more")
    return tuple(parameters)


def _parameter(table: Table, errors: FormatErrors) -> StoredTensor:
    """Decode a ParamDesc; slots as in Paddle-Lite's param.fbs, whose only variable type is the tensor."""
    name = table.required_string(1, "the name of a parameter")
    tensor = table.table(3)
    if tensor is None or table.u8(2) != 1:
        raise errors.corrupt(table.position, f"a tensor for the parameter {name!r}", "none")
    dtype = PADDLE_DTYPES.get(tensor.i32(3))
    dims, span = tensor.numbers(2, "q"), tensor.byte_span(4)
    if dtype is None or len(dims) > MAX_RANK or any(extent < 0 for extent in dims):
        raise errors.corrupt(
            tensor.position, "an element type and extents", f"type {tensor.i32(3)}, {dims[:8]}"
        )
    if math.prod(dims) * ITEM_SIZES[dtype] != span.size:
        raise errors.corrupt(
            span.offset, f"{math.prod(dims)} elements of {dtype} for {name!r}", f"{span.size} bytes of data"
        )
    return StoredTensor(name, dtype, dims, span.offset, span.size)


def _check_complete(
    blocks: tuple[Block, ...], parameters: tuple[StoredTensor, ...], at: int, errors: FormatErrors
) -> None:
    """Check that every parameter of the graph is stored; otherwise the file mixes two models."""
    declared = {
        variable.name
        for variable in blocks[0].variables.values()
        if variable.persistable and variable.kind not in ("feed_minibatch", "fetch_list", "raw")
    }
    missing = sorted(declared - {tensor.name for tensor in parameters})
    if missing:
        raise errors.corrupt(
            at, f"{len(declared)} parameters including {missing[0]!r}", f"{len(parameters)} parameters"
        )
