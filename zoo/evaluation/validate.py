"""``zoo.validate``: measure accuracy under the protocol of the published figure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import UsageError
from zoo._utils.extras import requires_extra
from zoo._utils.threads import default_jobs
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.sources import load_registry
from zoo.local_models.opened import open_models
from zoo.local_models.options import NO_OPTIONS, ModelOptions
from zoo.runner.load import make_config
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from converters.choices import WeightOnly
    from registry.choices import Precision
    from zoo._utils.choices import Backend, Exif
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.accuracy import DetectorBoxes, Validation
    from zoo.local_models.options import ModelKeywords


@requires_extra("run")
def validate(
    name: str | Path,
    *,
    data: Path | str,
    annotations: Path | str | None = None,
    images: Path | str | None = None,
    backend: Backend = "onnx",
    precision: Precision = "fp32",
    weight_only: WeightOnly | None = None,
    calibration: Path | str | None = None,
    limit: int | None = None,
    skip_missing: bool = False,
    jobs: int | None = None,
    flip: bool | None = None,
    detector: str | Path | None = None,
    box_threshold: float | None = None,
    exif: Exif | None = None,
    against: str | Path | None = None,
    margin: float | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    fresh: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    on_images: Callable[[int, int], None] = lambda done, total: None,
    **model: Unpack[ModelKeywords],
) -> Validation:
    """Measure accuracy on a data set in COCO layout, under the protocol of the published figure.

    Args:
        name: ``name`` or ``name@release``, or the path of a model: an export folder, an archive, a file.
        data: Folder that contains ``val2017/`` and ``annotations/``.
        annotations: Annotation file, if it is not in ``data``.
        images: Folder of the images, if it is not in ``data``.
        backend: ``onnx``, ``paddle``, ``lite``, ``openvino``, ``ncnn`` or ``tflite``.
        precision: Precision of the file. OpenVINO, ncnn and LiteRT compute FP16 files in FP32.
        weight_only: Integer type of the stored weights.
        calibration: Folder of images that determine the ranges of an ``int8`` file; drawn figures by default.
        limit: Evaluate only the first N images.
        skip_missing: Skip images that the annotation file names but the folder does not contain.
        jobs: Number of images processed in parallel. Default: the number of processors.
        flip: Enable or disable the flip test. The result is then not comparable with the published figure.
        detector: Name or path of a detector whose boxes replace the annotated ones, for pose models. The
            score of a box is part of the score of its pose. The result is not comparable with the published
            figure.
        box_threshold: Minimum score of the detector's boxes. Default: upstream's evaluation threshold.
        exif: ``apply`` or ``ignore`` EXIF orientations. Default: decided by the annotated image sizes.
        against: A reference that runs on the same images: another format of this model such as ``onnx-fp32``,
            or the name or path of another model. The result then contains the difference and whether it
            matters.
        margin: Difference of AP that does not matter, in percentage points. Default: 0.5.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        fresh: Measure again, even if a kept measurement has equal conditions.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.
        on_images: Called with the number of images just finished and the total number.
        model: Statements about a model on disk: the fields of ``zoo.local_models.options.ModelOptions``.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.accuracy import CocoFolder, select_protocol, with_stated_thresholds
    from zoo.evaluation.dataset_digest import dataset_digest
    from zoo.evaluation.recorded_accuracy import measure_or_recall
    from zoo.evaluation.reference import Run, choose_margin, judge, parse_reference
    from zoo.measurements.recorder import Recorder
    from zoo.runner.loading import load_networks, one_per_thread

    config = make_config(
        "validate",
        backend=backend,
        precision=precision,
        weight_only=weight_only,
        calibration=calibration,
        lite_version=lite_version,
        build=build,
    )
    tolerated = choose_margin(against, margin)
    chosen = settings or from_environment()
    registry = load_registry(chosen)
    options = ModelOptions.create(**model)
    names = [(name, options), *([(detector, NO_OPTIONS)] if detector else [])]
    reference = parse_reference(against, name, options, config, registry) if against is not None else None
    if reference is not None and reference.model is not None:
        names.append(reference.model)
    folder = CocoFolder(
        folder=Path(data),
        annotations=Path(annotations) if annotations is not None else None,
        images=Path(images) if images is not None else None,
        limit=limit,
        skip_missing=skip_missing,
        exif=exif,
    )
    with open_models(names, registry, cache=chosen.cache) as located:
        entry = located[0].entry
        boxes = _detector_boxes(located[1].entry if detector else None, box_threshold)
        protocol = with_stated_thresholds(select_protocol(entry, flip, boxes), located[0].local)
        # Read the annotations before anything is fetched: a wrong path is the most likely mistake.
        dataset = folder.load(protocol, entry)
        threads = jobs or default_jobs()
        runs = [Run(entry, config, protocol)]
        if reference is not None:
            other = located[-1] if reference.model is not None else located[0]
            own = with_stated_thresholds(select_protocol(other.entry, flip, boxes), other.local)
            runs.append(Run(other.entry, reference.config_for(other), own))
        requests = [one_per_thread(run.entry, run.config, threads) for run in runs]
        detectors = one_per_thread(boxes.detector, config, threads) if boxes else []
        source = SourceOptions(settings=chosen, locked=locked)
        resolver = resolver_for(source, reporter=reporter, models=located)
        recorder = Recorder(chosen.cache, resolver.reporter.note, fresh=fresh)
        images_digest = dataset_digest(dataset)  # of both runs: every image is hashed once
        with load_networks([*detectors, *chain(*requests)], resolver) as networks:
            loaded = iter(networks)
            finders = list(islice(loaded, len(detectors)))
            found, *others = (
                measure_or_recall(
                    recorder,
                    list(islice(loaded, len(request))),
                    dataset,
                    run.protocol,
                    resolver,
                    dataset=images_digest,
                    detectors=finders,
                    limit=limit,
                    jobs=threads,
                    on_images=lambda done: on_images(done, len(runs) * len(dataset.images)),
                )
                for run, request in zip(runs, requests, strict=True)
            )
    return judge(found, *others, data=dataset, margin=tolerated) if others else found


def _detector_boxes(detector: Entry | None, threshold: float | None) -> DetectorBoxes | None:
    from zoo.evaluation.accuracy import DetectorBoxes

    if detector is not None:
        options = {} if threshold is None else {"threshold": threshold}
        return validate_kwargs(DetectorBoxes, "validate", {"detector": detector, **options})
    if threshold is not None:
        raise UsageError(
            "option-not-applicable",
            "a box threshold requires a detector: annotated boxes have no score",
            found=f"{threshold:g}",
            hint="add --detector NAME",
        )
    return None
