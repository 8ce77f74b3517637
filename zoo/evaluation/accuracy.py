"""Accuracy of an entry on a backend, under the protocol its published figure was measured with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from registry.errors import UsageError
from registry.schema import Entry, Source
from registry.schema.base import Model
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.artifacts.formats import Backend, Precision
from zoo.datasets.coco import CocoSet, load_set
from zoo.evaluation.measure import Accuracy, measure_detection, measure_keypoints
from zoo.evaluation.scoring import Metrics, Spread
from zoo.evaluation.verdict import Verdict, figure_of, is_whole, judge, resamples_for
from zoo.runner.detector import Detector
from zoo.runner.loading import LoadedModel
from zoo.runner.protocols import EVALUATION_BOX_THRESHOLD, behind_detector
from zoo.runner.runner import detection_protocol, detector_of, estimator_of, no_protocol, require_fit


class Validation(Model):
    """What was measured, how, and what it says about the published figure.

    Attributes:
        entry: ``name@release``.
        detector: The entry that found the persons' boxes; None for annotated boxes, and for detectors.
        backend: What ran it.
        precision: Of the file; what is computed, the engine says.
        artifact: Which artifact, for example ``lite-x86-fp32``.
        origin: ``published`` or ``built``.
        engine: Engine and its version.
        annotations: The annotation file.
        images: Images looked at.
        results: Boxes or persons that were scored.
        other_size: Images that are not as large as the annotation file says: turned or scaled since.
        missing: Images of the annotation file that were left out because they are not there.
        protocol: What was executed.
        published_protocol: Whether that is what the published figure was measured with.
        source: Where the figure was published.
        metrics: The figures under pycocotools' names, as fractions.
        spread: Their 95 % interval over images, unless the set is the whole split.
        verdict: Whether the published figure holds.
    """

    entry: str
    detector: str | None = None
    backend: Backend
    precision: Precision
    artifact: str
    origin: str
    engine: str
    annotations: Path
    images: int
    results: int
    other_size: int = 0
    missing: int = 0
    protocol: KeypointProtocol | DetectionProtocol
    published_protocol: bool
    source: Source
    metrics: Metrics
    spread: Spread | None
    verdict: Verdict


class Data(Model):
    """A folder laid out as COCO is, and how much of it to look at.

    Attributes:
        folder: Holds ``val2017/`` and ``annotations/``.
        annotations: Annotation file, when it lies elsewhere.
        images: Folder of the images, when it lies elsewhere.
        limit: Look at the first images only.
        skip_missing: Leave out images that the annotation file names and the folder lacks.
    """

    folder: Path
    annotations: Path | None = None
    images: Path | None = None
    limit: int | None = None
    skip_missing: bool = False

    def load(self, protocol: KeypointProtocol | DetectionProtocol) -> CocoSet:
        """The images the protocol is about; errors as for ``load_set``."""
        return load_set(
            self.folder,
            protocol,
            annotations=self.annotations,
            images=self.images,
            limit=self.limit,
            skip_missing=self.skip_missing,
        )


class Boxes(Model):
    """A detector's boxes in place of the annotated ones.

    Attributes:
        detector: Entry of the detector.
        threshold: Its boxes must score above this.
    """

    detector: Entry
    threshold: float = Field(default=EVALUATION_BOX_THRESHOLD, ge=0, le=1)


def executed(
    entry: Entry, flip: bool | None, boxes: Boxes | None = None
) -> KeypointProtocol | DetectionProtocol:
    """The protocol of the published figure, or of the same with the flip test switched or other boxes.

    Args:
        entry: The entry.
        flip: Switches the flip test.
        boxes: Where the persons' boxes come from; None takes the annotated ones.

    Raises:
        UsageError: ``option-not-applicable``, or as for ``figure_of`` and ``require_fit``.
    """
    if boxes is not None:
        require_fit(entry, boxes.detector)
    protocol = figure_of(entry, behind_detector=boxes is not None).protocol
    if isinstance(protocol, KeypointProtocol):
        protocol = behind_detector(protocol, boxes.threshold) if boxes else protocol
        return protocol if flip is None else protocol.model_copy(update={"flip": flip})
    if not isinstance(protocol, DetectionProtocol):
        raise no_protocol(entry)
    if flip is None:
        return protocol
    raise UsageError(
        "option-not-applicable",
        f"{entry.id} is a detector, and its protocol has no flip test",
        hint="repeat without --flip and --no-flip",
    )


def measure(
    networks: Sequence[LoadedModel],
    data: CocoSet,
    protocol: KeypointProtocol | DetectionProtocol,
    *,
    detectors: Sequence[LoadedModel] = (),
    limit: int | None = None,
    whole: bool | None = None,
    jobs: int = 1,
    on_images: Callable[[int], None] = lambda count: None,
) -> Validation:
    """Runs a network over a set of images and judges the outcome.

    Args:
        networks: The same network, loaded once or several times; threads share them in turn.
        data: The images the protocol is about.
        protocol: What to execute.
        detectors: A detector, loaded as often, for protocols whose boxes come from one.
        limit: How many images that set was held to; None when it has all of its folder.
        whole: Whether these are all images of the published figure, for callers who know; None asks
            ``is_whole``.
        jobs: Images looked at together.
        on_images: Called with the number of images just finished.

    Raises:
        ZooError: As for ``measure_keypoints`` and ``measure_detection``.
    """
    first = networks[0]
    figure = figure_of(first.entry, behind_detector=bool(detectors))
    boxes_of = detectors[0].entry.id if detectors else None
    whole = is_whole(protocol, len(data.document["images"]) - data.missing, limit) if whole is None else whole
    workers = [
        _Worker(networks[job % len(networks)], detectors[job % len(detectors)] if detectors else None)
        for job in range(jobs)
    ]
    measured = _measure(workers, data, protocol, 0 if whole else resamples_for(len(data.images)), on_images)
    # A protocol does not name its detector: with one, nothing shows that two figures have the same boxes.
    same = boxes_of is None and protocol == figure.protocol
    return Validation(
        entry=first.entry.id,
        detector=boxes_of,
        backend=first.choice.backend,
        precision=first.choice.precision,
        artifact=first.fetched.artifact,
        origin=first.fetched.origin,
        engine=f"{first.session.engine} {first.session.engine_version}",
        annotations=data.annotations,
        images=measured.images,
        results=measured.results,
        other_size=measured.other_size,
        missing=data.missing,
        protocol=protocol,
        published_protocol=same,
        source=figure.source,
        metrics=measured.metrics,
        spread=measured.spread,
        verdict=judge(figure, measured.metrics, measured.spread, published_protocol=same, boxes_of=boxes_of),
    )


@dataclass(frozen=True, eq=False)
class _Worker:
    """What one thread computes with."""

    network: LoadedModel
    detector: LoadedModel | None


def _measure(
    workers: Sequence[_Worker],
    data: CocoSet,
    protocol: KeypointProtocol | DetectionProtocol,
    resamples: int,
    on_images: Callable[[int], None],
) -> Accuracy:
    if isinstance(protocol, KeypointProtocol):
        estimators = [estimator_of(worker.network, protocol) for worker in workers]
        finders = [_finder(worker.detector) for worker in workers if worker.detector is not None]
        return measure_keypoints(
            data, estimators, detectors=finders, resamples=resamples, on_images=on_images
        )
    detectors = [detector_of(worker.network, protocol.nms) for worker in workers]
    return measure_detection(data, detectors, protocol, resamples=resamples, on_images=on_images)


def _finder(network: LoadedModel) -> Detector:
    return detector_of(network, detection_protocol(network.entry).nms)
