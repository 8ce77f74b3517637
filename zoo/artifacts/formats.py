"""Every format that is run here, and what runs it: one table, which commands, plans and reports read.

A format is added by a row here, what its engine loads in :mod:`zoo.runner.sessions.open`, and the way to
its file in :mod:`zoo.artifacts.plan`.
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
        backend: What users call the engine.
        precision: What the file is in. What is computed, the engine says of itself.
        want: The file.
        runner: Tool whose environment runs it; None where this process does.
        shared: Whether one loaded network answers several threads at a time.
        interpreted: Whether it is computed kernel by kernel: its times are no latencies.
        heat_maps_alone: Whether a pose network in it hands out heat maps without their maxima.
    """

    backend: Backend
    precision: Precision
    want: ArtifactSpec
    runner: Tool | None = None
    shared: bool = False
    interpreted: bool = False
    heat_maps_alone: bool = False

    @property
    def name(self) -> str:
        """Name in tables, for example ``onnx-fp32``."""
        return self.want.id

    def tool(self, lite_version: str | None) -> Tool | None:
        """The tool that runs it, in the version that was asked for.

        Args:
            lite_version: Version of Paddle-Lite; None takes the default. Of other engines there is one.
        """
        if lite_version is None or self.runner is None or self.want.kind != "lite":
            return self.runner
        return paddlelite(lite_version)


FORMATS = (
    Format("paddle", "fp32", ArtifactSpec(kind="inference"), PADDLE),
    Format("onnx", "fp32", ArtifactSpec(kind="onnx", precision="fp32"), shared=True),
    Format("onnx", "fp16", ArtifactSpec(kind="onnx", precision="fp16"), shared=True),
    Format("lite", "fp32", ArtifactSpec(kind="lite", precision="fp32", target="x86"), paddlelite()),
    # Half-precision kernels exist for ARM alone; here they are interpreted.
    Format(
        "lite",
        "fp16",
        ArtifactSpec(kind="lite", precision="fp16", target="arm"),
        shared=True,
        interpreted=True,
    ),
    Format("openvino", "fp32", ArtifactSpec(kind="openvino", precision="fp32"), OPENVINO),
    Format("openvino", "fp16", ArtifactSpec(kind="openvino", precision="fp16"), OPENVINO),
    Format("ncnn", "fp32", ArtifactSpec(kind="ncnn", precision="fp32"), NCNN, heat_maps_alone=True),
    Format("ncnn", "fp16", ArtifactSpec(kind="ncnn", precision="fp16"), NCNN, heat_maps_alone=True),
    Format("tflite", "fp32", ArtifactSpec(kind="tflite", precision="fp32"), LITERT),
    Format("tflite", "fp16", ArtifactSpec(kind="tflite", precision="fp16"), LITERT),
)
"""What runs here; the reference first, each backend's single precision before its half."""

PHONE_ONLY = ArtifactSpec(kind="lite", precision="fp32", target="arm")
"""Made and proven here, run nowhere but on ARM processors."""

ROWS = (*(each.name for each in FORMATS), PHONE_ONLY.id)
"""Names of all formats, in the order of every table."""

BACKENDS = tuple(dict.fromkeys(each.backend for each in FORMATS))

OPTIONAL_TOOLS = (ONNXTOOLS, OPENVINO, NCNN, ONNX2TF, LITERT)
"""Tools that looking at every format of an entry makes use of where they are, and never fetches: hundreds of
megabytes are for those who asked for just that format."""


def format_of(backend: Backend, precision: Precision) -> Format:
    """What a backend runs in a precision.

    Raises:
        UsageError: ``…-precision-unsupported``.
    """
    of_backend = {each.precision: each for each in FORMATS if each.backend == backend}
    if precision in of_backend:
        return of_backend[precision]
    possible = " or ".join(of_backend)
    raise UsageError(
        f"{backend}-precision-unsupported",
        f"nothing that {backend} runs here is in {precision}",
        expected=possible,
        found=precision,
        hint=f"--precision {possible}, or another --backend",
    )
