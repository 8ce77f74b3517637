"""What looking into an artifact yields, the same shape for every format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from registry.schema.base import Model

Format = Literal[
    "lite",  # Paddle-Lite .nb
    "program",  # legacy Paddle inference model, .pdmodel + .pdiparams
    "pir",  # Paddle 3 inference model, .json + .pdiparams
    "params",  # combined parameters alone, .pdiparams
    "onnx",
    "weights",  # training checkpoint, .pdparams pickle
    "safetensors",
    "archive",  # tar or zip
    "config",  # YAML
]
ProvenPrecision = Literal["fp32", "fp16", "int8", "int16", "mixed"]


class Tensor(Model):
    """A named input or output.

    Attributes:
        name: Name inside the artifact.
        shape: Extents; None for an extent that is open until run time. None as a whole when the file
            does not record the shape.
        dtype: NumPy spelling (``float32``, ``int64``); None when the file does not record it.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str | None


class Inspection(Model):
    """What an artifact is, read from its bytes and never from its name.

    Attributes:
        path: The file that was looked into, or what was asked for where several files make up the artifact.
        format: What the bytes are.
        size: Total size in bytes of the files that make up the artifact.
        sha256: Digest of the file as it is; where several files make up the artifact, the digest over their
            sorted ``sha256  name`` lines.
        canonical_sha256: Digest after bytes that carry no meaning are zeroed (the uninitialised tail of the
            version field of a ``.nb``); equals ``sha256`` where there are none.
        made_by: Producer as the file states it, for example ``opt v2.13-rc`` or ``paddle 3.2.2``.
        target: Processor family of the kernels (``arm``, ``x86``, ``opencl``), for ``.nb`` only.
        precision: Proven arithmetic precision of the kernels or operators, not of the stored weights.
        weights_precision: Storage type of the parameters.
        inputs: Inputs in order.
        outputs: Outputs in order.
        operators: Operator type to count, feed and fetch excluded, sorted by name.
        parameters: Number of parameter tensors; None when the artifact holds none on its own.
        elements: Number of scalars in all parameter tensors; None when unknown.
        details: Facts of one format only (kernels per precision, opset, members of an archive, …).
        warnings: Things a user must know before shipping the file, one sentence each.
    """

    path: Path
    format: Format
    size: int
    sha256: str
    canonical_sha256: str
    made_by: str | None = None
    target: str | None = None
    precision: ProvenPrecision | None = None
    weights_precision: ProvenPrecision | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    operators: dict[str, int] = Field(default_factory=dict)
    parameters: int | None = None
    elements: int | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
