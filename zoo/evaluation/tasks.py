"""Running, validating, comparing and timing models, as functions that return frozen results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo._utils.extras import requires_extra
from zoo._utils.threads import default_jobs
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.catalogs.sources import registry_of
from zoo.evaluation.compare_formats import (
    formats_to_compare,
    not_runnable,
    parity_of,
    samples_of,
    without_optional_tools,
)
from zoo.runner.load import _choice
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.formats import Backend, Precision
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.evaluation.accuracy import Boxes, Validation
    from zoo.evaluation.latency import Bench, Plan, Timing
    from zoo.evaluation.parity import Parity
    from zoo.evaluation.parity_of_file import ModelParity
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
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    on_images: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Accuracy on a folder laid out as COCO is, under the protocol of the published figure.

    Args:
        name: ``name`` or ``name@release``.
        data: Folder that holds ``val2017/`` and ``annotations/``.
        annotations: Annotation file, when it lies elsewhere.
        images: Folder of the images, when it lies elsewhere.
        backend: ``onnx``, ``paddle``, ``lite``, ``openvino``, ``ncnn`` or ``tflite``.
        precision: Of the file; OpenVINO, ncnn and LiteRT compute in single precision whatever is stored.
        limit: Look at the first images only.
        skip_missing: Leave out images that the annotation file names and the folder lacks.
        jobs: Images looked at together; the processors of this machine by default.
        flip: Switches the flip test; what is measured then is not the published protocol.
        detector: Entry that finds the persons a pose model looks at, in place of the annotated boxes. The
            score of a box counts in the score of its pose, and nothing published is compared with.
        box_threshold: Its boxes must score above this; upstream's evaluation threshold by default.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
        on_images: Called with the number of images just finished, and of all.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    from zoo.evaluation.accuracy import Data, executed, measure
    from zoo.runner.loading import load_networks, one_per_thread

    choice = _choice("validate", backend=backend, precision=precision, lite_version=lite_version, build=build)
    chosen = settings or from_environment()
    known = registry_of(chosen)
    entry = known.get(name)
    boxes = _boxes(known.get(detector) if detector is not None else None, box_threshold)
    protocol = executed(entry, flip, boxes)
    folder = Data(
        folder=Path(data),
        annotations=Path(annotations) if annotations is not None else None,
        images=Path(images) if images is not None else None,
        limit=limit,
        skip_missing=skip_missing,
    )
    # Before anything is fetched: a wrong path is the likelier mistake.
    photos = folder.load(protocol)
    threads = jobs or default_jobs()
    orders = one_per_thread(entry, choice, threads)
    finders = one_per_thread(boxes.detector, choice, threads) if boxes else []
    with load_networks(
        [*orders, *finders], resolver_for(chosen, locked=locked, reporter=reporter)
    ) as networks:
        return measure(
            networks[: len(orders)],
            photos,
            protocol,
            detectors=networks[len(orders) :],
            limit=limit,
            jobs=threads,
            on_images=lambda done: on_images(done, len(photos.images)),
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
    """Every format of an entry beside its inference model, layer by layer.

    What cannot be made or run here has a row that says why. Tools of engines that not everybody uses are not
    fetched for this: their rows name the command that does.

    Args:
        name: ``name`` or ``name@release``.
        images: Images to compare on; drawn figures by default. A pose model takes all of an image for
            the person.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    from zoo.evaluation.parity import Parity, observe
    from zoo.runner.loading import load_networks

    chosen = settings or from_environment()
    entry = model_info(name, settings=chosen)
    resolver = resolver_for(chosen, locked=locked, reporter=reporter)
    samples = samples_of(images)
    with load_networks([(entry, _choice("compare", backend="paddle", build=build))], resolver) as (network,):
        reference = observe(network, samples)
        engine = f"{network.session.engine} {network.session.engine_version}"
    choices = formats_to_compare(build=build, lite_version=lite_version)
    rows = [
        parity_of(entry, choice, samples, reference, without_optional_tools(resolver)) for choice in choices
    ]
    return Parity(
        entry=entry.id,
        reference=engine,
        images=len(samples),
        found=reference.found,
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
    """An inference model outside the catalog beside the ONNX and Lite files made of it, on noise.

    Args:
        model: File or folder of an inference model.
        shapes: ``NAME=1,3,48,320`` for inputs whose extents are open; a name that comes again starts another
            run. An open batch alone needs none.
        lite_version: Version of Paddle-Lite.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    from zoo.evaluation.parity_of_file import compare_model, parse_shapes

    resolver = resolver_for(settings or from_environment(), reporter=reporter)
    return compare_model(Path(model), parse_shapes(shapes), resolver, lite_version=lite_version)


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
    """How long an entry takes here, beside published figures of the same scope.

    Args:
        name: ``name`` or ``name@release``.
        backend: One backend, whose failure is an error; by default all, and a row says why one is missing.
            Tools of engines that not everybody uses are fetched for a backend that is named, not for all.
        precision: Of the file.
        plan: Scope, warm-up and repeats.
        threads: Threads one run may use.
        image: The image to look at; a drawn one by default.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    from zoo.artifacts.formats import BACKENDS
    from zoo.evaluation.latency import Plan, bench_of
    from zoo.evaluation.parity import image_of

    chosen = settings or from_environment()
    entry = model_info(name, settings=chosen)
    resolver = resolver_for(chosen, locked=locked, reporter=reporter)
    if backend is None:
        resolver = without_optional_tools(resolver)
    photo = image_of(samples_of([Path(image)] if image is not None else ())[0])
    plan = plan or Plan()
    timings = []
    for each in (backend,) if backend else BACKENDS:
        version = lite_version if each == "lite" or backend else None
        choice = _choice(
            "bench", backend=each, precision=precision, threads=threads, lite_version=version, build=build
        )
        resolver.reporter.note(f"measuring {each}")
        timings.append(_timing(entry, choice, photo, plan, resolver, required=backend is not None))
    return bench_of(entry, plan, timings)


def _boxes(detector: Entry | None, threshold: float | None) -> Boxes | None:
    from zoo.evaluation.accuracy import Boxes

    if detector is not None:
        stated = {} if threshold is None else {"threshold": threshold}
        return validate_kwargs(Boxes, "validate", {"detector": detector, **stated})
    if threshold is not None:
        raise UsageError(
            "option-not-applicable",
            "a box threshold says which boxes of a detector count, but the boxes are the annotated ones",
            found=f"{threshold:g}",
            hint="add --detector NAME",
        )
    return None


def _timing(
    entry: Entry, choice: RunConfig, photo: Image, plan: Plan, resolver: ArtifactResolver, *, required: bool
) -> Timing:
    from zoo.evaluation.latency import Timing, interpreted_takes, time_network
    from zoo.runner.loading import load_networks

    try:
        if choice.format.interpreted:
            raise interpreted_takes()
        with load_networks([(entry, choice)], resolver) as (network,):
            return time_network(network, photo, plan)
    except (ConversionError, MissingToolError, UsageError) as error:
        # Of several engines one may be missing here, or unable to do what was asked of all.
        if required:
            raise
        # What is missing here can be got; what cannot be done at all has no next command in a table.
        hint = error.hint if isinstance(error, MissingToolError) else None
        return Timing(
            format=choice.backend,
            backend=choice.backend,
            precision=choice.precision,
            threads=choice.threads,
            reason="; ".join(filter(None, (error.message, hint))),
        )
