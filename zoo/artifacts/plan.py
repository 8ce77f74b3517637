"""Plan how to get an artifact: the published file to start from, and the conversions that follow. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from converters.inference.options import published_options
from converters.lite import LiteOptions
from converters.ncnn.options import NcnnOptions, ncnn_options
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions
from converters.openvino.options import OpenvinoOptions
from converters.planning.plan import ConversionTarget, Step, lite_options, onnx_options, plan_steps
from converters.planning.targets import onnx_target, openvino_target
from converters.tflite.options import TfliteOptions, tflite_options
from registry.errors import NotFoundError
from registry.schema import Artifact, ArtifactKind, Entry, Model
from zoo.artifacts.spec import VERIFIABLE_KINDS, ArtifactSpec

_MADE_OF_ONNX = {OpenvinoOptions: "OpenVINO", NcnnOptions: "ncnn", TfliteOptions: "TensorFlow Lite"}


class FetchPlan(Model):
    """One route to an artifact.

    Attributes:
        entry: The entry, ``name@release``.
        spec: The requested artifact.
        start: The published file to fetch.
        steps: Conversions, in order; empty when the published file is the requested one.
    """

    entry: str
    spec: ArtifactSpec
    start: Artifact
    steps: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """Describe the plan, one line a step."""
        lines = [f"{self.entry} {self.spec.id}", f"  fetch    {self.start.id}  {self.start.urls[0]}"]
        return lines + [f"  convert  {describe_step(step)}" for step in self.steps]


def describe_step(step: Step) -> str:
    """Describe a conversion."""
    if isinstance(step, LiteOptions):
        extras = f", weights in {step.weight_only}" if step.weight_only else ""
        extras += ", sparse" if step.sparse else ""
        return f"inference model to Paddle-Lite {step.version}, {step.target} {step.precision}{extras}"
    if isinstance(step, OnnxOptions):
        form = f", IR version {step.ir_version}" if step.ir_version is not None else ""
        return f"inference model to ONNX {step.precision}, opset {step.opset}{form}"
    if isinstance(step, RefineOptions):
        return f"ONNX to {'simplified ' if step.simplify else ''}ONNX {step.precision}"
    if isinstance(step, QuantizeOptions):
        how = "in int8, calibrated" if step.arithmetic == "int8" else "with weights in int8"
        return f"ONNX to ONNX {how}"
    if isinstance(step, OpenvinoOptions | NcnnOptions | TfliteOptions):
        without = ", without arg-max" if isinstance(step, NcnnOptions) and step.without_argmax else ""
        return f"ONNX to {_MADE_OF_ONNX[type(step)]}, weights in {step.weights}{without}"
    return f"weights to inference model, {step.program} program"


def plans(entry: Entry, spec: ArtifactSpec, *, build: bool | None) -> tuple[FetchPlan, ...]:
    """Plan the routes to an artifact, in the order to try.

    A later route applies when a published file is missing upstream.

    Args:
        entry: The entry.
        spec: The requested artifact.
        build: True converts here whatever is published, False never converts, None converts what is not
            published for that target and version.

    Raises:
        NotFoundError: ``nothing-published``: there is no route; the error lists what is published.
    """
    published = _published(entry, spec)
    if published and build is not True:
        return (FetchPlan(entry=entry.id, spec=spec, start=published),)
    found = tuple(_routes(entry, spec)) if build is not False else ()
    # A configuration or a checkpoint cannot be converted from anything: --build takes the published file.
    if not found and published and spec.kind in ("weights", "config"):
        return (FetchPlan(entry=entry.id, spec=spec, start=published),)
    if not found:
        raise _no_route(entry, spec, build)
    return found


def _published(entry: Entry, spec: ArtifactSpec) -> Artifact | None:
    # The opt version of a published file is unknown until the file is read: a requested version is built.
    # Nor is a file used whose content cannot be verified.
    if spec.lite_version is not None or spec.weight_only or spec.kind not in VERIFIABLE_KINDS:
        return None
    return entry.artifact(spec.kind, spec.precision, spec.target, spec.head)


def _routes(entry: Entry, spec: ArtifactSpec) -> Iterator[FetchPlan]:
    target = conversion_target(entry, spec)
    if target is None or not _is_default_head(entry, spec):
        return
    # The inference model first: fewer steps, and it is the file that upstream converted.
    inference, weights = entry.artifact("inference"), entry.artifact("weights")
    # An int8 model is not converted to floating point: the result would not be the named model.
    fits = inference and inference.precision != "int8" and target.format != "inference"
    # An export with other inputs or outputs than the published model starts from the weights.
    if inference and fits and target.inference is None:
        yield FetchPlan(
            entry=entry.id, spec=spec, start=inference, steps=plan_steps("program", target, entry)
        )
    if weights and entry.architecture:
        yield FetchPlan(entry=entry.id, spec=spec, start=weights, steps=plan_steps("weights", target, entry))


def _is_default_head(entry: Entry, spec: ArtifactSpec) -> bool:
    # A conversion has the head of the entry's default export; other heads exist as published files only.
    return spec.head is None or getattr(entry.output, "head", None) == spec.head


def conversion_target(entry: Entry, spec: ArtifactSpec) -> ConversionTarget | None:
    """Derive the options of the conversions to an artifact.

    Args:
        entry: The entry.
        spec: The requested artifact.

    Returns:
        The target format with its options; None if nothing is converted to this artifact.

    Raises:
        UsageError: As for ``lite_options``.
    """
    if spec.kind == "inference":
        return ConversionTarget(format="inference")
    precision = spec.precision or "fp32"
    if spec.kind == "lite":
        if precision == "int8":
            return None  # models that compute in int8 there are fetched as published, not built here
        options = lite_options(
            spec.target or "arm", precision, spec.lite_version, weight_only=spec.weight_only
        )
        return ConversionTarget(format="lite", lite=options)
    if spec.kind == "onnx":
        return onnx_target(precision, spec.weight_only, calibrated=spec.calibrated)
    return _target_through_onnx(entry, spec.kind, precision)


def _target_through_onnx(entry: Entry, kind: ArtifactKind, precision: str) -> ConversionTarget | None:
    if kind == "openvino":
        return openvino_target(precision, calibrated=precision == "int8")
    if kind == "tflite":
        return ConversionTarget(format="tflite", onnx=onnx_options(None), tflite=tflite_options(precision))
    return _ncnn_target(entry, precision) if kind == "ncnn" else None


def _ncnn_target(entry: Entry, precision: str) -> ConversionTarget:
    published = published_options(entry)
    # ncnn has neither arg-max nor box suppression: the runner does both after inference.
    raw = published.model_copy(update={"head": "raw", "batch": 1})
    return ConversionTarget(
        format="ncnn",
        inference=raw if published.head == "nms" else None,
        onnx=onnx_options(None),
        ncnn=ncnn_options(precision, without_argmax=bool(published.argmax)),
    )


def _no_route(entry: Entry, spec: ArtifactSpec, build: bool | None) -> NotFoundError:
    published = ", ".join(artifact.id for artifact in entry.artifacts) or "nothing"
    hint = f"zoo show {entry.short_id}"
    if build is False and any(_routes(entry, spec)):
        hint = f"leave out --no-build: {spec.id} is converted here"
        if spec.kind in VERIFIABLE_KINDS:
            hint = f"zoo fetch {entry.short_id} {spec.flags} --build"
    return NotFoundError(
        "nothing-published",
        f"{entry.id} has no published {spec.id}, and it cannot be converted from what is published",
        expected=spec.id,
        found=f"published: {published}",
        hint=hint,
    )
