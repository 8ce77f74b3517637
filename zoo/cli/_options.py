"""Option types that several commands share, so that the same flag means the same thing everywhere."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


def known_names(incomplete: str) -> list[str]:
    """Names of entries that begin so, for completion in a shell; none where a catalog cannot be read."""
    from registry.errors import ZooError
    from zoo.catalogs.listing import names
    from zoo.settings import from_environment

    try:
        return names(incomplete, from_environment())
    except ZooError:
        return []


def group(help: str | None = None) -> typer.Typer:
    """A group of commands that looks like the rest: plain text, our own errors.

    Args:
        help: What its commands are about.
    """
    return typer.Typer(
        help=help,
        no_args_is_help=help is not None,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="NAME or NAME@RELEASE.", autocompletion=known_names)
]
Names = Annotated[
    list[str], typer.Argument(metavar="NAME", help="NAME or NAME@RELEASE.", autocompletion=known_names)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress on stderr.")]
Mirror = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="Replace scheme and host of every address by this base: http(s)://, file://, a folder, s3://. "
        "May be given several times, tried in order (ZOO_MIRROR).",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Answer from the store alone.")]
Locked = Annotated[bool, typer.Option("--locked", help="Refuse what zoo.lock does not name.")]
Jobs = Annotated[int, typer.Option(min=1, max=64, help="Artifacts fetched at the same time.")]
Weights = Annotated[bool, typer.Option("--weights", help="The training checkpoint.")]
Config = Annotated[bool, typer.Option("--config", help="Upstream's configuration.")]
Everything = Annotated[bool, typer.Option("--all", help="Everything that was published.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Build = Annotated[
    bool | None,
    typer.Option(
        "--build/--no-build", help="Always / never convert here. Default: only what is not published."
    ),
]
LiteVersion = Annotated[
    str | None,
    typer.Option(metavar="V", help="Version of Paddle-Lite's opt, to match the runtime in the app."),
]
Catalog = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH|URL#sha256=…",
        help="Catalog laid over the shipped one (ZOO_CATALOG); may be given more than once.",
    ),
]


class ListFormat(str, Enum):
    """How ``zoo list`` prints."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class LookFormat(str, Enum):
    """How ``zoo inspect`` answers."""

    text = "text"
    json = "json"
    svg = "svg"
    html = "html"


class Precision(str, Enum):
    """Precision of a file."""

    fp32 = "fp32"
    fp16 = "fp16"


class MadePrecision(str, Enum):
    """Arithmetic precision of what ``zoo convert`` makes."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


class LitePrecision(str, Enum):
    """Arithmetic precision of Lite files; those in int8 are had as published, not made here."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


class WeightOnly(str, Enum):
    """Integers that weights are stored as."""

    int8 = "int8"
    int16 = "int16"


class Target(str, Enum):
    """Processor family of a Lite file."""

    arm = "arm"
    x86 = "x86"
    opencl = "opencl"


class Form(str, Enum):
    """What ``zoo convert`` makes."""

    inference = "inference"
    lite = "lite"
    onnx = "onnx"
    openvino = "openvino"
    ncnn = "ncnn"
    tflite = "tflite"
    safetensors = "safetensors"


class Program(str, Enum):
    """Form of an inference model."""

    legacy = "legacy"
    pir = "pir"


class Head(str, Enum):
    """What a detector's graph hands out."""

    raw = "raw"
    boxes = "boxes"
    nms = "nms"


class Normalization(str, Enum):
    """Where pixel values are normalized."""

    host = "host"
    in_graph = "in_graph"


class Backend(str, Enum):
    """What runs a model."""

    onnx = "onnx"
    paddle = "paddle"
    lite = "lite"
    openvino = "openvino"
    ncnn = "ncnn"
    tflite = "tflite"


class Scope(str, Enum):
    """What a latency is about."""

    network = "network"
    pipeline = "pipeline"


LiteOption = Annotated[LitePrecision | None, typer.Option("--lite", help="The Paddle-Lite .nb file.")]
OnnxOption = Annotated[Precision | None, typer.Option("--onnx", help="The ONNX file.")]
TargetOption = Annotated[
    Target | None, typer.Option("--target", help="Processor of the .nb; arm by default.")
]
BackendOption = Annotated[
    Backend,
    typer.Option(
        "--backend", help="onnxruntime, Paddle Inference, Paddle-Lite's x86 twin, OpenVINO, ncnn or LiteRT."
    ),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option("--precision", help="Of the file; some engines compute in fp32 all the same, and say so."),
]
