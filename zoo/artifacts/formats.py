"""Table of the formats that run here and their engines, for commands, plans and reports.

To add a format, add a row here, its session in :mod:`zoo.runner.sessions.open`, and the route to its file in
:mod:`zoo.artifacts.plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from converters.choices import WeightOnly
from converters.toolchain.pins import LITERT, NCNN, ONNX2TF, ONNXTOOLS, OPENVINO, PADDLE, Tool, paddlelite
from registry.choices import FloatPrecision, Precision
from registry.errors import UsageError
from zoo._utils.choices import Backend
from zoo.artifacts.spec import ArtifactSpec


@dataclass(frozen=True)
class Format:
    """A kind of file in one precision, and its engine.

    Attributes:
        backend: Name of the engine on the command line.
        precision: Precision of the file. The engine reports in which precision it computes.
        spec: The file.
        runner: Tool whose environment runs it; None where this process does.
        shared: Whether several threads can use one loaded network at the same time.
        interpreted: Whether it is emulated kernel by kernel: its times are not latencies.
        heat_maps_only: Whether a pose network outputs heat maps without their maxima.
    """

    backend: Backend
    precision: Precision
    spec: ArtifactSpec
    runner: Tool | None = None
    shared: bool = False
    interpreted: bool = False
    heat_maps_only: bool = False

    @property
    def name(self) -> str:
        """Name in tables, for example ``onnx-fp32``."""
        return self.spec.id

    @property
    def weight_only(self) -> WeightOnly | None:
        """Integer type of the stored weights; None where they have the precision of the file."""
        return self.spec.weight_only

    @property
    def calibrated(self) -> bool:
        """Whether images determine the ranges of its integer activations."""
        return self.spec.calibrated

    @property
    def tolerance(self) -> FloatPrecision | None:
        """Precision whose tolerances limit its differences; None for quantized files."""
        return None if self.precision == "int8" or self.weight_only else self.precision

    @property
    def options(self) -> str:
        """The command-line options that select it among the formats of its backend."""
        weights = f" --weight-only {self.weight_only}" if self.weight_only else ""
        return f"--precision {self.precision}{weights}"

    def tool(self, lite_version: str | None) -> Tool | None:
        """The tool that runs it, in the requested version.

        Args:
            lite_version: Version of Paddle-Lite; None takes the default. Other engines have one version.
        """
        if lite_version is None or self.runner is None or self.spec.kind != "lite":
            return self.runner
        return paddlelite(lite_version)


FORMATS = (
    Format("paddle", "fp32", ArtifactSpec(kind="inference"), PADDLE),
    Format("onnx", "fp32", ArtifactSpec(kind="onnx", precision="fp32"), shared=True),
    Format("onnx", "fp16", ArtifactSpec(kind="onnx", precision="fp16"), shared=True),
    Format("onnx", "int8", ArtifactSpec(kind="onnx", precision="int8"), shared=True),
    Format("onnx", "fp32", ArtifactSpec(kind="onnx", precision="fp32", weight_only="int8"), shared=True),
    Format("lite", "fp32", ArtifactSpec(kind="lite", precision="fp32", target="x86"), paddlelite()),
    # FP16 kernels exist for ARM only; here they are emulated.
    Format(
        "lite",
        "fp16",
        ArtifactSpec(kind="lite", precision="fp16", target="arm"),
        shared=True,
        interpreted=True,
    ),
    *(
        Format(
            "lite",
            "fp32",
            ArtifactSpec(kind="lite", precision="fp32", target="x86", weight_only=weights),
            paddlelite(),
        )
        for weights in get_args(WeightOnly)
    ),
    Format("openvino", "fp32", ArtifactSpec(kind="openvino", precision="fp32"), OPENVINO),
    Format("openvino", "fp16", ArtifactSpec(kind="openvino", precision="fp16"), OPENVINO),
    Format("openvino", "int8", ArtifactSpec(kind="openvino", precision="int8"), OPENVINO),
    Format("ncnn", "fp32", ArtifactSpec(kind="ncnn", precision="fp32"), NCNN, heat_maps_only=True),
    Format("ncnn", "fp16", ArtifactSpec(kind="ncnn", precision="fp16"), NCNN, heat_maps_only=True),
    Format("tflite", "fp32", ArtifactSpec(kind="tflite", precision="fp32"), LITERT),
    Format("tflite", "fp16", ArtifactSpec(kind="tflite", precision="fp16"), LITERT),
)
"""Formats that run here; the reference first; for each backend FP32, FP16, then quantized files."""

PHONE_ONLY = ArtifactSpec(kind="lite", precision="fp32", target="arm")
"""Converted and verified here; it runs on ARM processors only."""

ROWS = (*(each.name for each in FORMATS), PHONE_ONLY.id)
"""Names of all formats, in the order of every table."""

BACKENDS = tuple(dict.fromkeys(each.backend for each in FORMATS))

OPTIONAL_TOOLS = (ONNXTOOLS, OPENVINO, NCNN, ONNX2TF, LITERT)
"""Tools that a comparison of all formats uses when they are installed. It does not install them: they take
hundreds of megabytes, which only a request for that one format justifies."""


def format_of(backend: Backend, precision: Precision, weight_only: WeightOnly | None = None) -> Format:
    """The format that a backend runs in a precision.

    Args:
        backend: The backend.
        precision: Precision of the file.
        weight_only: Integer type of the stored weights; None where they have the precision of the file.

    Raises:
        UsageError: ``…-precision-unsupported``.
    """
    of_backend = [each for each in FORMATS if each.backend == backend]
    for each in of_backend:
        if (each.precision, each.weight_only) == (precision, weight_only):
            return each
    found = f"{precision} with {weight_only} weights" if weight_only else precision
    raise UsageError(
        f"{backend}-precision-unsupported",
        f"backend {backend} does not run {found} files here",
        expected=", ".join(each.options for each in of_backend),
        found=found,
        hint=f"{of_backend[0].options}, or another --backend",
    )
