"""What an inference model takes and hands out, and which combinations make sense."""

from __future__ import annotations

from pydantic import PositiveInt

from converters.choices import Program
from registry.choices import Head, Normalization
from registry.errors import NotFoundError, UsageError
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.io import DetectionOutput, HeatmapOutput
from registry.schema.protocol import DetectionProtocol, MulticlassNms

SIDE_MULTIPLE = 32
"""The networks halve their input five times and need every half to be whole."""

HOST_NMS = MulticlassNms(score_threshold=0.3, iou_threshold=0.5, top_k=1000, keep=100)
"""What the ``infer_cfg.yml`` of the published 2021 models recommends to the code behind a raw head."""


class InferenceOptions(Model):
    """What an inference model takes and hands out.

    Attributes:
        program: ``legacy`` writes ``model.pdmodel``, which Paddle-Lite reads; ``pir`` writes ``model.json``,
            the form of paddle 3.
        normalization: ``host``: the caller hands in ``(pixels * scale - mean) / std``. ``in_graph``: the
            caller hands in pixels, 0 to 255.
        batch: Images per run; None leaves it open until run time.
        head: For detectors. ``raw``: scores and box distributions of every level. ``boxes``: decoded boxes in
            network-input pixels, and scores. ``nms``: what suppression leaves, in image pixels.
        nms: For detectors: the values of the suppression in the graph, or, when there is none in it, those
            recommended to the caller in ``infer_cfg.yml``.
        argmax: For pose networks: whether the place of each heat map's maximum is a second output.
    """

    program: Program = "legacy"
    normalization: Normalization = "host"
    batch: PositiveInt | None = None
    head: Head | None = None
    nms: MulticlassNms | None = None
    argmax: bool | None = None


def published_options(entry: Entry, *, program: Program = "legacy") -> InferenceOptions:
    """The options upstream's own export of an entry has; change single ones with ``model_copy``.

    Args:
        entry: The entry.
        program: Form of the program.

    Raises:
        NotFoundError: ``architecture-unsupported``: nothing is known about exporting such outputs.
    """
    if isinstance(entry.output, HeatmapOutput):
        return InferenceOptions(program=program, argmax=entry.output.argmax)
    if not isinstance(entry.output, DetectionOutput):
        raise not_modeled(entry)
    head = entry.output.head
    return InferenceOptions(
        program=program,
        batch=1 if head == "raw" else None,
        head=head,
        nms=_evaluated_nms(entry) if head == "nms" else HOST_NMS,
    )


def require_consistent(entry: Entry, options: InferenceOptions) -> None:
    """Pass only when the options can be had of this entry, and none of them would be ignored.

    Raises:
        NotFoundError: ``architecture-unsupported``.
        UsageError: ``input-size-unsupported``, ``option-not-applicable``, ``option-missing`` or
            ``raw-head-batch-unsupported``.
    """
    if entry.architecture is None:
        raise not_modeled(entry)
    _require_whole_halves(entry)
    if isinstance(entry.output, DetectionOutput):
        _require_detector(entry, options)
    else:
        _require_pose(entry, options)


def _require_whole_halves(entry: Entry) -> None:
    height, width = entry.input.height, entry.input.width
    if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE:
        raise UsageError(
            "input-size-unsupported",
            f"{entry.id} cannot be exported for an input of {height}x{width}",
            expected=f"sides that are multiples of {SIDE_MULTIPLE}",
            found=f"{height}x{width}",
            done="nothing was converted",
            hint="zoo list --task keypoint_detection; zoo list --task detection",
        )


def _require_detector(entry: Entry, options: InferenceOptions) -> None:
    if options.argmax is not None:
        raise _does_not_apply("argmax", f"{entry.id} is a detector and has no heat maps")
    if options.head is None or options.nms is None:
        raise UsageError(
            "option-missing",
            f"{entry.id} is a detector: say what its head hands out, and the NMS values",
            hint="give head (raw, boxes or nms) and nms, or take published_options(entry)",
        )
    if options.head == "raw" and options.batch != 1:
        raise UsageError(
            "raw-head-batch-unsupported",
            "the raw outputs of a detector have one image each: deployment code takes them so",
            expected="batch 1",
            found="an open batch" if options.batch is None else f"batch {options.batch}",
            hint="ask for batch 1, or for decoded boxes (head boxes or nms)",
        )


def _require_pose(entry: Entry, options: InferenceOptions) -> None:
    if options.head is not None or options.nms is not None:
        raise _does_not_apply("head", f"{entry.id} makes heat maps, not boxes")
    if options.argmax is None:
        raise UsageError(
            "option-missing",
            f"{entry.id} makes heat maps: say whether their maxima are an output too",
            hint="give argmax, or take published_options(entry)",
        )


def not_modeled(entry: Entry) -> NotFoundError:
    """Refusal to export an entry whose architecture or outputs are not modeled."""
    published = any(artifact.kind == "inference" for artifact in entry.artifacts)
    return NotFoundError(
        "architecture-unsupported",
        f"the architecture of {entry.id} is not modeled, so its weights cannot be exported",
        hint=f"zoo fetch {entry.typed} gets the published one" if published else f"zoo show {entry.typed}",
    )


def _does_not_apply(option: str, why: str) -> UsageError:
    return UsageError(
        "option-not-applicable",
        f"the option {option} does not apply: {why}",
        done="nothing was converted",
        hint=f"repeat without {option}",
    )


def _evaluated_nms(entry: Entry) -> MulticlassNms:
    """The suppression an entry's published accuracy was measured with."""
    for figure in entry.accuracy:
        if isinstance(figure.protocol, DetectionProtocol):
            return figure.protocol.nms
    return HOST_NMS
