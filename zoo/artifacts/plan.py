"""How to get what a user wants: which published file to start from, and which conversions follow. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from converters.inference.options import published_options
from converters.lite import LiteOptions
from converters.ncnn.options import NcnnOptions, ncnn_options
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions, refine_options
from converters.openvino.options import OpenvinoOptions, openvino_options
from converters.planning.plan import ConversionTarget, Step, lite_options, onnx_options, plan_steps
from converters.tflite.options import TfliteOptions, tflite_options
from registry.errors import NotFoundError
from registry.schema import Artifact, ArtifactKind, Entry, Model
from zoo.artifacts.spec import VERIFIABLE_KINDS, ArtifactSpec

_MADE_OF_ONNX = {OpenvinoOptions: "OpenVINO", NcnnOptions: "ncnn", TfliteOptions: "TensorFlow Lite"}


class FetchPlan(Model):
    """One way to an artifact.

    Attributes:
        entry: The entry, ``name@release``.
        want: What is asked for.
        start: The published file to fetch.
        steps: Conversions, in order; none when the published file is the answer.
    """

    entry: str
    want: ArtifactSpec
    start: Artifact
    steps: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """The plan in words, one line a step."""
        lines = [f"{self.entry} {self.want.id}", f"  fetch    {self.start.id}  {self.start.urls[0]}"]
        return lines + [f"  convert  {words(step)}" for step in self.steps]


def words(step: Step) -> str:
    """A conversion in words."""
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


def plans(entry: Entry, want: ArtifactSpec, *, build: bool | None) -> tuple[FetchPlan, ...]:
    """The ways to an artifact, to be tried in order: a later one counts when a file is missing upstream.

    Args:
        entry: The entry.
        want: What is asked for.
        build: True converts here whatever is published, False never converts, None converts what is not
            published for that target and version.

    Raises:
        NotFoundError: ``nothing-published``: there is no way; says which there would be.
    """
    published = _published(entry, want)
    if published and build is not True:
        return (FetchPlan(entry=entry.id, want=want, start=published),)
    found = tuple(_routes(entry, want)) if build is not False else ()
    # A configuration or a checkpoint is made from nothing: --build asks for no more than what is published.
    if not found and published and want.kind in ("weights", "config"):
        return (FetchPlan(entry=entry.id, want=want, start=published),)
    if not found:
        raise _no_way(entry, want, build)
    return found


def _published(entry: Entry, want: ArtifactSpec) -> Artifact | None:
    # Which opt made a published file is known only once it was read: a version that was asked for is made.
    # Neither is anything taken that could not be proven to be what it is called.
    if want.lite_version is not None or want.kind not in VERIFIABLE_KINDS:
        return None
    return entry.artifact(want.kind, want.precision, want.target, want.head)


def _routes(entry: Entry, want: ArtifactSpec) -> Iterator[FetchPlan]:
    aim = _aim(entry, want)
    if aim is None or not _is_own_head(entry, want):
        return
    # The inference model first: the way is shorter, and it is what upstream itself converted.
    inference, weights = entry.artifact("inference"), entry.artifact("weights")
    # Of eight bits nothing in floating point is made: it would not be the model its name says.
    fits = inference and inference.precision != "int8" and aim.format != "inference"
    # An export of other ends than the published one's starts from the weights.
    if inference and fits and aim.inference is None:
        yield FetchPlan(entry=entry.id, want=want, start=inference, steps=plan_steps("program", aim, entry))
    if weights and entry.architecture:
        yield FetchPlan(entry=entry.id, want=want, start=weights, steps=plan_steps("weights", aim, entry))


def _is_own_head(entry: Entry, want: ArtifactSpec) -> bool:
    # What is made here ends as the entry's own export does; another head is had as a published file only.
    return want.head is None or getattr(entry.output, "head", None) == want.head


def _aim(entry: Entry, want: ArtifactSpec) -> ConversionTarget | None:
    if want.kind == "inference":
        return ConversionTarget(format="inference")
    if want.precision == "int8":
        return None  # quantized models are had as published, not made here
    if want.kind == "lite":
        options = lite_options(want.target or "arm", want.precision or "fp32", want.lite_version)
        return ConversionTarget(format="lite", lite=options)
    if want.kind == "onnx":
        return ConversionTarget(
            format="onnx", onnx=onnx_options(None), refine=refine_options(want.precision or "fp32")
        )
    return _aim_through_onnx(entry, want.kind, want.precision or "fp32")


def _aim_through_onnx(entry: Entry, kind: ArtifactKind, precision: str) -> ConversionTarget | None:
    if kind == "openvino":
        return ConversionTarget(
            format="openvino", onnx=onnx_options(None), openvino=openvino_options(precision)
        )
    if kind == "tflite":
        return ConversionTarget(format="tflite", onnx=onnx_options(None), tflite=tflite_options(precision))
    return _ncnn_aim(entry, precision) if kind == "ncnn" else None


def _ncnn_aim(entry: Entry, precision: str) -> ConversionTarget:
    published = published_options(entry)
    # What ncnn does not have is done by who runs the model: maxima looked for, boxes suppressed.
    raw = published.model_copy(update={"head": "raw", "batch": 1})
    return ConversionTarget(
        format="ncnn",
        inference=raw if published.head == "nms" else None,
        onnx=onnx_options(None),
        ncnn=ncnn_options(precision, without_argmax=bool(published.argmax)),
    )


def _no_way(entry: Entry, want: ArtifactSpec, build: bool | None) -> NotFoundError:
    published = ", ".join(artifact.id for artifact in entry.artifacts) or "nothing"
    hint = f"zoo show {entry.short_id}"
    if build is False and any(_routes(entry, want)):
        hint = f"leave out --no-build: {want.id} is made here"
        if want.kind in VERIFIABLE_KINDS:
            hint = f"zoo fetch {entry.short_id} {want.flags} --build"
    return NotFoundError(
        "nothing-published",
        f"{entry.id}: there is no {want.id}, and no way to make one",
        expected=want.id,
        found=f"published: {published}",
        hint=hint,
    )
