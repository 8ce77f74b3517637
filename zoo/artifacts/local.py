"""Plan the way from a model on disk to an artifact. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from converters.lite import require_precision
from converters.lite.options import LiteOptions
from converters.planning.plan import SourceKind, Step, plan_steps
from registry.errors import NotFoundError
from registry.schema import Entry
from zoo.artifacts.plan import conversion_target
from zoo.artifacts.spec import ArtifactSpec
from zoo.local_models.source import LocalSource


@dataclass(frozen=True)
class LocalPlan:
    """The way from the files of a model to an artifact.

    Attributes:
        spec: The requested artifact.
        source: The files.
        steps: Conversions, in order; empty if the files are the artifact.
    """

    spec: ArtifactSpec
    source: LocalSource
    steps: tuple[Step, ...] = ()


def plan_local(entry: Entry, spec: ArtifactSpec, source: LocalSource, *, build: bool | None) -> LocalPlan:
    """Plan the conversions from the files of a model to an artifact.

    Args:
        entry: The entry that describes the files.
        spec: The requested artifact.
        source: The files.
        build: False forbids conversions. True and None allow them; a file that is the artifact is used as it
            is.

    Raises:
        NotFoundError: ``format-unavailable``: no conversion leads there, or none is allowed.
        UsageError: As for ``plan_steps``.
        ConversionError: As for ``plan_steps``.
    """
    if _is_artifact(source, spec):
        return LocalPlan(spec, source)
    start, target = _start(source), conversion_target(entry, spec)
    if start is None or target is None or build is False:
        raise _unavailable(spec, source, allowed=build is not False)
    if start == "onnx" and spec.kind not in ("onnx", "openvino", "ncnn", "tflite"):
        raise _unavailable(spec, source, allowed=True)
    if start != "weights" and (target.format == "inference" or target.inference is not None):
        # A graph with other outputs can only be made from weights.
        raise _unavailable(spec, source, allowed=True)
    steps = plan_steps(start, target, entry)
    for step in steps:
        if isinstance(step, LiteOptions):
            require_precision(step, quantized=source.precision == "int8")
    return LocalPlan(spec, source, steps)


def _is_artifact(source: LocalSource, spec: ArtifactSpec) -> bool:
    if source.kind != spec.kind:
        return False
    same = source.kind in ("inference", "weights") or source.precision in (None, spec.precision)
    return same and (source.target is None or source.target == spec.target)


def _start(source: LocalSource) -> SourceKind | None:
    """What the files are to the planner of conversions; None if nothing is converted from them."""
    if source.kind == "weights":
        return "weights"
    if source.kind == "inference":
        return source.program
    # No conversion restores the precision that an fp16 or int8 file does not have.
    return "onnx" if source.kind == "onnx" and source.precision in (None, "fp32") else None


def _unavailable(spec: ArtifactSpec, source: LocalSource, *, allowed: bool) -> NotFoundError:
    kind = f"{source.kind} {source.precision}" if source.precision else source.kind
    return NotFoundError(
        "format-unavailable",
        f"{spec.id} cannot be made from {source.name}"
        if allowed
        else f"{source.name} is not a {spec.id} file",
        expected=f"a {spec.id} file, or a model that converts to it",
        found=kind,
        hint="start from the checkpoint or the inference model that the file was made from"
        if allowed
        else "leave out --no-build: it is converted here",
    )
