"""Validate, compare and time models: public functions that return frozen results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo._utils.extras import requires_extra
from zoo._utils.threads import default_jobs
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.catalogs.sources import load_registry
from zoo.evaluation.compare_formats import (
    compare_format,
    formats_to_compare,
    load_samples,
    not_runnable,
    without_optional_tools,
)
from zoo.runner.load import make_config
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from registry.choices import FloatPrecision as Precision
    from zoo._utils.choices import Backend, Exif
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.evaluation.accuracy import DetectorBoxes, Validation
    from zoo.evaluation.compare_model import ModelParity
    from zoo.evaluation.latency import Bench, Plan, Timing
    from zoo.evaluation.parity import Parity
    from zoo.runner.images import Image
    from zoo.runner.loading import RunConfig


@requires_extra("run")
def validate(
    name: str,
    *,
    data: Path | str,
    annotations: Path | str | None = None,
    images: Path | str | None = None,
    backend: Backend = "onnx",
    precision: Precision = "fp32",
    limit: int | None = None,
    skip_missing: bool = False,
    jobs: int | None = None,
    flip: bool | None = None,
    detector: str | None = None,
    box_threshold: float | None = None,
    exif: Exif | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    on_images: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Measure accuracy on a data set in COCO layout, under the protocol of the published figure.

    Args:
        name: ``name`` or ``name@release``.
        data: Folder that contains ``val2017/`` and ``annotations/``.
        annotations: Annotation file, if it is not in ``data``.
        images: Folder of the images, if it is not in ``data``.
        backend: ``onnx``, ``paddle``, ``lite``, ``openvino``, ``ncnn`` or ``tflite``.
        precision: Precision of the file. OpenVINO, ncnn and LiteRT compute in FP32 in either case.
        limit: Evaluate only the first N images.
        skip_missing: Skip images that the annotation file names but the folder does not contain.
        jobs: Number of images processed in parallel. Default: the number of processors.
        flip: Enable or disable the flip test. The result is then not comparable with the published figure.
        detector: Entry of a detector whose boxes replace the annotated ones, for pose models. The score of a
            box is part of the score of its pose. The result is not comparable with the published figure.
        box_threshold: Minimum score of the detector's boxes. Default: upstream's evaluation threshold.
        exif: ``apply`` or ``ignore`` EXIF orientations. Default: decided by the annotated image sizes.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.
        on_images: Called with the number of images just finished and the total number.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.accuracy import CocoFolder, measure, select_protocol
    from zoo.runner.loading import load_networks, one_per_thread

    config = make_config(
        "validate", backend=backend, precision=precision, lite_version=lite_version, build=build
    )
    chosen = settings or from_environment()
    registry = load_registry(chosen)
    entry = registry.get(name)
    boxes = _detector_boxes(registry.get(detector) if detector is not None else None, box_threshold)
    protocol = select_protocol(entry, flip, boxes)
    folder = CocoFolder(
        folder=Path(data),
        annotations=Path(annotations) if annotations is not None else None,
        images=Path(images) if images is not None else None,
        limit=limit,
        skip_missing=skip_missing,
        exif=exif,
    )
    # Read the annotations before anything is fetched: a wrong path is the most likely mistake.
    dataset = folder.load(protocol, entry)
    threads = jobs or default_jobs()
    models = one_per_thread(entry, config, threads)
    detectors = one_per_thread(boxes.detector, config, threads) if boxes else []
    with load_networks(
        [*models, *detectors], resolver_for(SourceOptions(settings=chosen, locked=locked), reporter=reporter)
    ) as networks:
        return measure(
            networks[: len(models)],
            dataset,
            protocol,
            detectors=networks[len(models) :],
            limit=limit,
            jobs=threads,
            on_images=lambda done: on_images(done, len(dataset.images)),
        )


@requires_extra("run")
def compare(
    name: str,
    *,
    images: Sequence[Path] = (),
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Parity:
    """Compare every format of an entry with its inference model, layer by layer.

    A format that cannot be converted or run on this machine has a row with the reason. Toolchains of optional
    engines are not installed for a comparison: the rows of these formats name the command that does.

    Args:
        name: ``name`` or ``name@release``.
        images: Images to compare on; a pose model treats a whole image as one person. Default: drawn figures.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.layers import record_layers
    from zoo.evaluation.parity import Parity
    from zoo.runner.loading import load_networks

    chosen = settings or from_environment()
    entry = model_info(name, settings=chosen)
    resolver = resolver_for(SourceOptions(settings=chosen, locked=locked), reporter=reporter)
    samples = load_samples(images)
    with load_networks([(entry, make_config("compare", backend="paddle", build=build))], resolver) as (
        network,
    ):
        reference = record_layers(network, samples)
        engine = f"{network.session.engine} {network.session.engine_version}"
    configs = formats_to_compare(build=build, lite_version=lite_version)
    rows = [
        compare_format(entry, config, samples, reference, without_optional_tools(resolver))
        for config in configs
    ]
    return Parity(
        entry=entry.id,
        reference=engine,
        images=len(samples),
        instances=reference.instances,
        formats=(*rows, not_runnable()),
    )


@requires_extra("run")
def compare_model(
    model: Path | str,
    *,
    shapes: Sequence[str] = (),
    lite_version: str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> ModelParity:
    """Convert an inference model outside the catalog to ONNX and Lite, and compare the outputs.

    Args:
        model: File or folder of an inference model.
        shapes: ``NAME=1,3,48,320`` for inputs with dynamic dimensions. A repeated name starts another run. A
            dynamic batch dimension needs no shape.
        lite_version: Version of Paddle-Lite.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.compare_model import compare_conversions
    from zoo.evaluation.feeds import parse_shapes

    resolver = resolver_for(SourceOptions(settings=settings or from_environment()), reporter=reporter)
    return compare_conversions(Path(model), parse_shapes(shapes), resolver, lite_version=lite_version)


@requires_extra("run")
def bench(
    name: str,
    *,
    backend: Backend | None = None,
    precision: Precision = "fp32",
    plan: Plan | None = None,
    threads: int = 1,
    image: Path | str | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Bench:
    """Measure the latency of an entry on this machine, next to published figures of the same scope.

    Args:
        name: ``name`` or ``name@release``.
        backend: One backend; its failure is an error. Default: all backends, with a reason in the row of each
            that cannot run. Toolchains of optional engines are installed only for a backend named here.
        precision: Precision of the file.
        plan: Scope, number of warm-up runs and of measured runs.
        threads: Threads of one run.
        image: Input image. Default: a drawn one.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.artifacts.formats import BACKENDS
    from zoo.evaluation.latency import Plan, build_bench
    from zoo.evaluation.layers import load_sample_image

    chosen = settings or from_environment()
    entry = model_info(name, settings=chosen)
    resolver = resolver_for(SourceOptions(settings=chosen, locked=locked), reporter=reporter)
    if backend is None:
        resolver = without_optional_tools(resolver)
    sample = load_sample_image(load_samples([Path(image)] if image is not None else ())[0])
    plan = plan or Plan()
    timings = []
    for each in (backend,) if backend else BACKENDS:
        version = lite_version if each == "lite" or backend else None
        config = make_config(
            "bench", backend=each, precision=precision, threads=threads, lite_version=version, build=build
        )
        resolver.reporter.note(f"measuring {each}")
        timings.append(_time_backend(entry, config, sample, plan, resolver, required=backend is not None))
    return build_bench(entry, plan, timings)


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


def _time_backend(
    entry: Entry, config: RunConfig, image: Image, plan: Plan, resolver: ArtifactResolver, *, required: bool
) -> Timing:
    from zoo.evaluation.latency import Timing, latency_not_measurable, time_network
    from zoo.runner.loading import load_networks

    try:
        if config.format.interpreted:
            raise latency_not_measurable()
        with load_networks([(entry, config)], resolver) as (network,):
            return time_network(network, image, plan)
    except (ConversionError, MissingToolError, UsageError) as error:
        # When all backends are measured, one that is missing or unsupported is a row with a reason.
        if required:
            raise
        # Only a missing tool has a next command: it can be installed.
        hint = error.hint if isinstance(error, MissingToolError) else None
        return Timing(
            format=config.backend,
            backend=config.backend,
            precision=config.precision,
            threads=config.threads,
            reason="; ".join(filter(None, (error.message, hint))),
        )
