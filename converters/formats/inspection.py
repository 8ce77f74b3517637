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
    "openvino",  # OpenVINO IR, .xml + .bin
    "ncnn",  # .param + .bin
    "tflite",  # TensorFlow Lite, which is called LiteRT now
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
        shape: Extents; None for an extent that is open until run time. None as a whole when the file
            does not record the shape.
        dtype: NumPy spelling (``float32``, ``int64``); None when the file does not record it.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str | None


class Runtime(Model):
    """What an app must bring to run a Lite file.

    Attributes:
        made_for: Version of Paddle-Lite that made the file; the same version of the runtime always loads it.
        min_version: Earliest runtime that loads it; None where nothing in the file rules earlier ones out.
        max_version: Latest runtime that loads it; None where nothing in the file rules later ones out.
        abi: Android ABIs that have its kernels; a file names kernels and holds no machine code.
        build: Switches the runtime must be built with.
        processor: What the processor must offer beyond its ABI; None for nothing.
    """

    made_for: str
    min_version: str | None = None
    max_version: str | None = None
    abi: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    processor: str | None = None


class ProvenanceSummary(Model):
    """What the provenance beside an artifact says about it.

    Attributes:
        conversion: Kind of conversion, for example ``lite``.
        inputs: File name of each input to its SHA-256.
        tools: Package to version.
        options: What was asked for.
        revision: Revision of this project's part in that kind of conversion; None where it is not stated.
        changes: What this project changed in the model before the tool read it, to the number of places.
        matches_file: Whether the statement is about exactly these bytes.
    """

    conversion: str
    inputs: dict[str, str]
    tools: dict[str, str]
    options: dict[str, JsonValue]
    revision: int | None
    changes: dict[str, int]
    matches_file: bool


class Inspection(Model):
    """What an artifact is, read from its bytes and never from its name.

    Attributes:
        path: The file that was looked into, or what was asked for where several files make up the artifact.
        format: What the bytes are.
        size: Total size in bytes of the files that make up the artifact.
        sha256: Digest of the file as it is; where several files make up the artifact, the digest over their
            sorted ``sha256  name`` lines.
        canonical_sha256: Digest after bytes that carry no meaning are zeroed (the uninitialized tail of the
            version field of a ``.nb``); equals ``sha256`` where there are none.
        made_by: Producer as the file states it, for example ``opt v2.13-rc`` or ``paddle 3.2.2``.
        target: Processor family of the kernels (``arm``, ``x86``, ``opencl``), for ``.nb`` only.
        precision: Proven arithmetic precision of the kernels or operators, not of the stored weights.
        weights_precision: Storage type of the parameters.
        inputs: Inputs in order.
        outputs: Outputs in order.
        operators: Operator type to count, feed and fetch excluded, sorted by name.
        fused: What a converter merged into one operator (``conv2d + relu``) to count, as far as it shows.
        normalization: Whether mean and deviation are applied to images inside the graph; None where there
            is no image, or the graph does not show it.
        parameters: Number of parameter tensors; None when the artifact holds none on its own.
        elements: Number of scalars in all parameter tensors; None when unknown.
        weights_sha256: Digest over types, extents and bytes of the parameters, whatever names and order;
            None where they are not in the artifact.
        runtime: What an app must bring, for Lite files.
        provenance: What the provenance beside the artifact says; None when there is none.
        contents: The artifacts inside an archive that was looked into.
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
