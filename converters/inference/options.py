"""Options of inference models, and the combinations that are valid."""

from __future__ import annotations

from pydantic import PositiveInt

from converters.choices import Program
from registry.choices import Head, Normalization
from registry.errors import NotFoundError, UsageError
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.io import CoordinatesOutput, DetectionOutput, HeatmapOutput
from registry.schema.protocol import DetectionProtocol, MulticlassNms

SIDE_MULTIPLE = 32
"""Input sides must be multiples of this: the networks halve their input five times."""

HOST_NMS = MulticlassNms(score_threshold=0.3, iou_threshold=0.5, top_k=1000, keep=100)
"""NMS values that ``infer_cfg.yml`` of the published 2021 models recommends for raw outputs."""

EVALUATION_NMS = MulticlassNms(score_threshold=0.025, iou_threshold=0.6, top_k=1000, keep=100)
"""NMS values of upstream's PicoDet configurations, with which accuracy is evaluated."""


class InferenceOptions(Model):
    """Options of an inference model.

    Attributes:
        program: ``legacy`` writes ``model.pdmodel``, which Paddle-Lite reads; ``pir`` writes ``model.json``,
            the format of paddle 3.
        normalization: ``host``: the caller passes ``(pixels * scale - mean) / std``. ``in_graph``: the
            caller passes pixels, 0 to 255.
        batch: Images per run; None leaves the batch open until run time.
        head: For detectors. ``raw``: scores and box distributions of every level. ``boxes``: decoded boxes in
            network-input pixels, and scores. ``nms``: boxes after suppression, in image pixels.
        nms: For detectors: the values of the suppression in the graph or, for other heads, the values that
            ``infer_cfg.yml`` recommends to the caller.
        argmax: For pose networks: whether the position of the maximum of each heat map is a second output.
    """

    program: Program = "legacy"
    normalization: Normalization = "host"
    batch: PositiveInt | None = None
    head: Head | None = None
    nms: MulticlassNms | None = None
    argmax: bool | None = None


def published_options(entry: Entry, *, program: Program = "legacy") -> InferenceOptions:
    """Return the options of the export that upstream publishes; change single ones with ``model_copy``.

    Args:
        entry: The entry.
        program: Program format.
    """
    if isinstance(entry.output, HeatmapOutput):
        return InferenceOptions(program=program, argmax=entry.output.argmax)
    if isinstance(entry.output, CoordinatesOutput):
        return InferenceOptions(program=program)
    head = entry.output.head
    return InferenceOptions(
        program=program,
        batch=1 if head == "raw" else None,
        head=head,
        nms=_evaluated_nms(entry) if head == "nms" else HOST_NMS,
    )


def require_consistent(entry: Entry, options: InferenceOptions) -> None:
    """Reject options that the entry does not support or that would have no effect.

    Raises:
        NotFoundError: ``architecture-unsupported``.
        UsageError: ``input-size-unsupported``, ``option-not-applicable``, ``option-missing`` or
            ``raw-head-batch-unsupported``.
    """
    if entry.architecture is None:
        raise architecture_unsupported(entry)
    _require_input_size(entry)
    if isinstance(entry.output, DetectionOutput):
        _require_detector(entry, options)
    elif isinstance(entry.output, HeatmapOutput):
        _require_pose(entry, options)
    else:
        _require_coordinates(entry, options)


def _require_input_size(entry: Entry) -> None:
    height, width = entry.input.height, entry.input.width
    if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE:
        raise UsageError(
            "input-size-unsupported",
            f"{entry.id} cannot be exported for an input of {height}x{width}",
            expected=f"sides that are multiples of {SIDE_MULTIPLE}",
            found=f"{height}x{width}",
            done="nothing was converted",
            hint="zoo list --task keypoint_detection; zoo list --task object_detection",
        )


def _require_detector(entry: Entry, options: InferenceOptions) -> None:
    if options.argmax is not None:
        raise _option_not_applicable("argmax", f"{entry.id} is a detector and has no heat maps")
    if options.head is None or options.nms is None:
        raise UsageError(
            "option-missing",
            f"{entry.id} is a detector, whose export needs a head and NMS values",
            hint="pass head (raw, boxes or nms) and nms, or use published_options(entry)",
        )
    if options.head == "raw" and options.batch != 1:
        raise UsageError(
            "raw-head-batch-unsupported",
            "a detector with raw outputs takes one image per run, as deployment code expects",
            expected="batch 1",
            found="an open batch" if options.batch is None else f"batch {options.batch}",
            hint="use batch 1, or decoded boxes (head boxes or nms)",
        )


def _require_pose(entry: Entry, options: InferenceOptions) -> None:
    if options.head is not None or options.nms is not None:
        raise _option_not_applicable("head", f"{entry.id} outputs heat maps, not boxes")
    if options.argmax is None:
        raise UsageError(
            "option-missing",
            f"{entry.id} outputs heat maps, whose export needs argmax: are their maxima an output too?",
            hint="pass argmax, or use published_options(entry)",
        )


def _require_coordinates(entry: Entry, options: InferenceOptions) -> None:
    if options.head is not None or options.nms is not None:
        raise _option_not_applicable("head", f"{entry.id} outputs joint coordinates, not boxes")
    if options.argmax is not None:
        raise _option_not_applicable("argmax", f"{entry.id} outputs joint coordinates, not heat maps")


def architecture_unsupported(entry: Entry) -> NotFoundError:
    """Error for an entry whose architecture or outputs are not implemented here."""
    published = any(artifact.kind == "inference" for artifact in entry.artifacts)
    return NotFoundError(
        "architecture-unsupported",
        f"the architecture of {entry.id} is not implemented here, so its weights cannot be exported",
        hint=f"zoo fetch {entry.short_id} fetches the published model"
        if published
        else f"zoo show {entry.short_id}",
    )


def _option_not_applicable(option: str, why: str) -> UsageError:
    return UsageError(
        "option-not-applicable",
        f"the option {option} does not apply: {why}",
        done="nothing was converted",
        hint=f"repeat without {option}",
    )


def _evaluated_nms(entry: Entry) -> MulticlassNms:
    """Return the NMS values of the evaluation: a suppression in the graph cannot be relaxed any more."""
    for figure in entry.accuracy:
        if isinstance(figure.protocol, DetectionProtocol):
            return figure.protocol.nms
    return EVALUATION_NMS
