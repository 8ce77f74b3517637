"""Table of the formats that run here and their engines, for commands, plans and reports.

To add a format, add a row here, its session in :mod:`zoo.runner.sessions.open`, and the route to its file in
:mod:`zoo.artifacts.plan`.
"""

from __future__ import annotations

from dataclasses import dataclass

from converters.toolchain.pins import LITERT, NCNN, ONNX2TF, ONNXTOOLS, OPENVINO, PADDLE, Tool, paddlelite
from registry.choices import FloatPrecision as Precision
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
    Format("lite", "fp32", ArtifactSpec(kind="lite", precision="fp32", target="x86"), paddlelite()),
    # FP16 kernels exist for ARM only; here they are emulated.
    Format(
        "lite",
        "fp16",
        ArtifactSpec(kind="lite", precision="fp16", target="arm"),
        shared=True,
        interpreted=True,
    ),
    Format("openvino", "fp32", ArtifactSpec(kind="openvino", precision="fp32"), OPENVINO),
    Format("openvino", "fp16", ArtifactSpec(kind="openvino", precision="fp16"), OPENVINO),
    Format("ncnn", "fp32", ArtifactSpec(kind="ncnn", precision="fp32"), NCNN, heat_maps_only=True),
    Format("ncnn", "fp16", ArtifactSpec(kind="ncnn", precision="fp16"), NCNN, heat_maps_only=True),
    Format("tflite", "fp32", ArtifactSpec(kind="tflite", precision="fp32"), LITERT),
    Format("tflite", "fp16", ArtifactSpec(kind="tflite", precision="fp16"), LITERT),
)
"""Formats that run here; the reference first, FP32 before FP16 for each backend."""

PHONE_ONLY = ArtifactSpec(kind="lite", precision="fp32", target="arm")
"""Converted and verified here; it runs on ARM processors only."""

ROWS = (*(each.name for each in FORMATS), PHONE_ONLY.id)
"""Names of all formats, in the order of every table."""

BACKENDS = tuple(dict.fromkeys(each.backend for each in FORMATS))

OPTIONAL_TOOLS = (ONNXTOOLS, OPENVINO, NCNN, ONNX2TF, LITERT)
"""Tools that a comparison of all formats uses when they are installed. It does not install them: they take
hundreds of megabytes, which only a request for that one format justifies."""


def format_of(backend: Backend, precision: Precision) -> Format:
    """The format that a backend runs in a precision.

    Raises:
        UsageError: ``…-precision-unsupported``.
    """
    of_backend = {each.precision: each for each in FORMATS if each.backend == backend}
    if precision in of_backend:
        return of_backend[precision]
    possible = " or ".join(of_backend)
    raise UsageError(
        f"{backend}-precision-unsupported",
        f"backend {backend} does not run {precision} files here",
        expected=possible,
        found=precision,
        hint=f"--precision {possible}, or another --backend",
    )
