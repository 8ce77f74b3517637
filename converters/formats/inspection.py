"""Result of inspecting an artifact, in one form for every format."""

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
    "openvino",  # OpenVINO IR, .xml + .bin
    "ncnn",  # .param + .bin
    "tflite",  # TensorFlow Lite, since renamed LiteRT
    "weights",  # training checkpoint, .pdparams pickle
    "safetensors",
    "archive",  # tar or zip
    "config",  # YAML
]
DetectedPrecision = Literal["fp32", "fp16", "int8", "int16", "mixed"]
Normalization = Literal["host", "in_graph"]


class Tensor(Model):
    """A named input or output.

    Attributes:
        name: Name inside the artifact.
        shape: Extents, None for a dynamic one; None as a whole when the file does not record the shape.
        dtype: NumPy spelling (``float32``, ``int64``); None when the file does not record it.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str | None


class Runtime(Model):
    """Requirements of an app that runs a Lite file.

    Attributes:
        made_for: Version of Paddle-Lite that wrote the file; the runtime of the same version always loads it.
        min_version: Earliest runtime that loads it; None where the file sets no lower bound.
        max_version: Latest runtime that loads it; None where the file sets no upper bound.
        abi: Android ABIs with its kernels; a file names kernels and contains no machine code.
        build: Build switches that the runtime needs.
        processor: Processor features needed beyond the ABI; None for none.
    """

    made_for: str
    min_version: str | None = None
    max_version: str | None = None
    abi: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    processor: str | None = None


class ProvenanceSummary(Model):
    """Summary of the provenance file of an artifact.

    Attributes:
        conversion: Kind of conversion, for example ``lite``.
        inputs: SHA-256 by file name of each input.
        tools: Version by package.
        options: Requested conversion options.
        revision: Revision of this project's conversion code; None where it is not recorded.
        changes: Number of edits by kind that this project made to the model before the tool read it.
        matches_file: Whether the recorded digest is the digest of the artifact.
        signed_by: Trusted identity that signed the provenance file; None if it is only a claim of whoever
            wrote the file.
    """

    conversion: str
    inputs: dict[str, str]
    tools: dict[str, str]
    options: dict[str, JsonValue]
    revision: int | None
    changes: dict[str, int]
    matches_file: bool
    signed_by: str | None = None


class Inspection(Model):
    """Facts about an artifact, read from its bytes, never from its name.

    Attributes:
        path: The inspected file, or the requested path where several files make up the artifact.
        format: Format of the artifact.
        size: Total size in bytes of the files of the artifact.
        sha256: Digest of the file; for several files, the digest over their sorted ``sha256  name`` lines.
        canonical_sha256: Digest with meaningless bytes zeroed (the uninitialized tail of the version field
            of a ``.nb``); equals ``sha256`` where there are none.
        made_by: Producer that the file records, for example ``opt v2.13-rc`` or ``paddle 3.2.2``.
        target: Processor family of the kernels (``arm``, ``x86``, ``opencl``), for ``.nb`` only.
        precision: Arithmetic precision of the kernels or operators, not of the stored weights.
        weights_precision: Storage type of the parameters.
        inputs: Inputs in order.
        outputs: Outputs in order.
        operators: Count by operator type, without feed and fetch, sorted by name.
        fused: Count by fusion (``conv2d + relu``), as far as the file shows fusions.
        normalization: Whether the graph or the host applies mean and deviation to images; None where there
            is no image input or the graph does not show it.
        parameters: Number of parameter tensors; None when the artifact contains none.
        elements: Number of scalars in all parameter tensors; None when unknown.
        weights_sha256: Digest over types, extents and bytes of the parameters, independent of names and
            order; None where the artifact does not contain them.
        runtime: Requirements of the app, for Lite files.
        provenance: Summary of the provenance file; None when there is none.
        contents: Inspections of the artifacts inside an archive.
        details: Format-specific facts (kernels per precision, opset, members of an archive, …).
        warnings: Facts to know before shipping the file, one sentence each.
    """

    path: Path
    format: Format
    size: int
    sha256: str
    canonical_sha256: str
    made_by: str | None = None
    target: str | None = None
    precision: DetectedPrecision | None = None
    weights_precision: DetectedPrecision | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    operators: dict[str, int] = Field(default_factory=dict)
    fused: dict[str, int] = Field(default_factory=dict)
    normalization: Normalization | None = None
    parameters: int | None = None
    elements: int | None = None
    weights_sha256: str | None = None
    runtime: Runtime | None = None
    provenance: ProvenanceSummary | None = None
    contents: tuple[Inspection, ...] = ()
    details: dict[str, JsonValue] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
