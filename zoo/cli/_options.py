"""Option types that several commands share, so that an option means the same in every command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from converters.choices import WeightOnly
from registry.choices import FloatPrecision, Normalization, Precision, Target
from zoo._utils.choices import Backend, FetchFormat
from zoo.cli._groups import Command, Group


def complete_name(incomplete: str) -> list[str]:
    """Return names of entries for completion in a shell; none if a catalog cannot be read."""
    from registry.errors import ZooError
    from zoo.catalogs.listing import complete_names
    from zoo.settings import from_environment

    try:
        return complete_names(incomplete, from_environment())
    except ZooError:
        return []


def group(help: str | None = None, *, cls: type[Group] = Group) -> typer.Typer:
    """Create a group of commands with plain text help and this project's errors.

    Args:
        help: Description of the group.
        cls: Parser class.
    """
    return typer.Typer(
        cls=cls, help=help, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )


def add(app: typer.Typer, name: str, function: Callable[..., None]) -> None:
    """Add a command to a group.

    Args:
        app: The group.
        name: Name of the command.
        function: The command; its signature declares the options, its docstring is the help text.
    """
    app.command(name, cls=Command)(function)


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="NAME or NAME@RELEASE.", autocompletion=complete_name)
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH",
        help="NAME, NAME@RELEASE, or a model on disk: export folder, archive or file; ./NAME if both exist.",
        autocompletion=complete_name,
    ),
]
Models = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME|PATH", help="NAME, NAME@RELEASE, or a model on disk.", autocompletion=complete_name
    ),
]
Names = Annotated[
    list[str], typer.Argument(metavar="NAME", help="NAME or NAME@RELEASE.", autocompletion=complete_name)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no notes and no progress on stderr.")]
Mirror = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="Download from this mirror instead of the original host: http(s)://, file://, folder or s3://. "
        "Repeatable; mirrors are tried in order (ZOO_MIRROR).",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Use the cache only, no network (ZOO_OFFLINE).")]
Locked = Annotated[bool, typer.Option("--locked", help="Refuse artifacts that zoo.lock does not list.")]
Jobs = Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Number of parallel downloads.")]
Weights = Annotated[bool, typer.Option("--weights", help="Training checkpoint.")]
Config = Annotated[bool, typer.Option("--config", help="Upstream configuration file.")]
Everything = Annotated[bool, typer.Option("--all", help="All published artifacts.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what the command would do, and stop.")]
Build = Annotated[
    bool | None,
    typer.Option(
        "--build/--no-build",
        help="Always or never convert on this machine. Default: only if nothing is published.",
    ),
]
LiteVersion = Annotated[
    str | None,
    typer.Option(metavar="V", help="Paddle-Lite version; must match the runtime in the app."),
]
Catalog = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH|URL#sha256=…",
        help="Additional catalog, which overrides the shipped one (ZOO_CATALOG). Repeatable.",
    ),
]
LiteOption = Annotated[Precision | None, typer.Option("--lite", help="Paddle-Lite .nb file.")]
OnnxOption = Annotated[FloatPrecision | None, typer.Option("--onnx", help="ONNX file.")]
FormatOption = Annotated[
    FetchFormat | None, typer.Option("--format", help="The file in this format, converted if need be.")
]
WeightOnlyOption = Annotated[
    WeightOnly | None,
    typer.Option("--weight-only", help="Integer type for the weights of a Lite or ONNX file."),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        metavar="DIR",
        help="Images for --precision int8, in COCO's layout or directly in the folder.",
    ),
]
TargetOption = Annotated[
    Target | None, typer.Option("--target", help="Processor of the .nb file. Default: arm.")
]
BackendOption = Annotated[
    Backend,
    typer.Option(
        "--backend", help="Engine: ONNX Runtime, Paddle Inference, Paddle-Lite (x86), OpenVINO, ncnn, LiteRT."
    ),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option(
        "--precision", help="Precision of the model file; some engines still compute in fp32, and report it."
    ),
]


_SOURCE_OPTIONS = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
    for name, annotation, default in (
        ("lite_version", LiteVersion, None),
        ("build", Build, None),
        ("mirror", Mirror, None),
        ("offline", Offline, False),
        ("locked", Locked, False),
        ("catalog", Catalog, None),
    )
]


Like = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="Model with the preprocessing and outputs that a file does not state."
    ),
]
ArchitectureOption = Annotated[
    str | None, typer.Option("--architecture", metavar="NAME", help="Entry with a checkpoint's architecture.")
]
Labels = Annotated[
    str | None,
    typer.Option(metavar="FILE|A,B,C", help="Class names of a detector, in the order of its outputs."),
]
Joints = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Joints of a pose model: a small YAML file, or a COCO annotation file."
    ),
]
Sigmas = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|X,Y,Z", help="OKS constants of the joints. Default: COCO's, or one divided by K."
    ),
]
InputSize = Annotated[
    str | None,
    typer.Option(metavar="HxW", help="Input size, if the file leaves it open. Default: as stated."),
]
NormalizationOption = Annotated[
    Normalization | None,
    typer.Option("--normalization", help="Where pixel values are normalized. Default: as the files state."),
]
ScoreThreshold = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="SCORE", help="Smallest score of a box. Default: as configured."),
]
NmsThreshold = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="IOU", help="Overlap that removes a box. Default: as configured."),
]
_MODEL_OPTIONS = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=None)
    for name, annotation in (
        ("like", Like),
        ("architecture", ArchitectureOption),
        ("labels", Labels),
        ("joints", Joints),
        ("sigmas", Sigmas),
        ("input_size", InputSize),
        ("normalization", NormalizationOption),
        ("score_threshold", ScoreThreshold),
        ("nms_threshold", NmsThreshold),
    )
]


def with_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every command that takes a model on disk; the command receives them as keywords.

    Args:
        command: A command with a keyword parameter ``model`` for the keyword arguments of
            ``zoo.local_models.options.ModelOptions.create``.
    """
    return _replace_parameter(command, "model", _MODEL_OPTIONS, lambda values: values)


def with_source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every command that gets artifacts; the command receives them as one value.

    Args:
        command: A command with a keyword parameter ``source`` for a ``SourceOptions``.
    """

    def create(values: Mapping[str, Any]) -> object:
        from zoo.artifacts.source_options import SourceOptions

        return SourceOptions.create(**values)

    return _replace_parameter(command, "source", _SOURCE_OPTIONS, create)


def _replace_parameter(
    command: Callable[..., None],
    name: str,
    options: Sequence[inspect.Parameter],
    create: Callable[[Mapping[str, Any]], object],
) -> Callable[..., None]:
    """Replace a parameter by options in the signature that Typer reads, and pass their value as one."""
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        parameters += options if parameter.name == name else [parameter]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        chosen = {option.name: values.pop(option.name) for option in options}
        command(**values, **{name: create(chosen)})

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options
