"""Images of a report with the results of a model drawn on them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry import Entry
from registry.errors import MissingToolError
from registry.schema import HeatmapOutput
from zoo._utils.arrays import Array
from zoo._utils.choices import Backend
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.local_models.source import LocalSource, LocatedModel
from zoo.reports.report.result import SampleImage
from zoo.runner.draw import draw_boxes, draw_poses
from zoo.runner.images import Image, as_image, read_image
from zoo.runner.load import load
from zoo.runner.loading import LoadedModel, RunConfig, load_networks
from zoo.runner.protocols import get_detection_protocol, get_keypoint_protocol
from zoo.runner.runner import make_detector, make_estimator
from zoo.sample.figures import HELD_OUT, draw_image
from zoo.settings import Settings

MOST = 4
"""Maximum number of images per entry."""

_SIDE = 720  # pixels of the longer side; keeps a page with a few models below a few megabytes
_QUALITY = 85
_ORDER: tuple[Backend, ...] = ("onnx", "paddle")
_A_FEW = range(2, 6)
_THRESHOLD = 0.5  # minimum score of a drawn box


@dataclass(frozen=True)
class ModelSource:
    """The model whose results are drawn, and the source of its files.

    Attributes:
        entry: The entry.
        settings: Settings.
        reporter: Callbacks for progress and log messages.
        build: As for ``zoo.load``.
        locked: As for ``zoo.load``.
        local: The files of a model on disk; None for an entry of the catalog.
    """

    entry: Entry
    settings: Settings
    reporter: Reporter
    build: bool | None
    locked: bool
    local: LocalSource | None = None


def given_images(source: ModelSource, paths: Sequence[Path], detector: str | None) -> tuple[SampleImage, ...]:
    """Draw results on the images of the caller, as ``zoo run`` does.

    Args:
        source: The model.
        paths: The images; only the first few are used.
        detector: Entry that finds the persons for a pose model; without it an image is one person.
    """
    pose = isinstance(source.entry.output, HeatmapOutput)
    boxes = "" if not pose else f", persons found by {detector}" if detector else ", image is one person"
    with load(
        source.local.name if source.local else source.entry.id,
        detector=detector if pose else None,
        build=source.build,
        locked=source.locked,
        settings=source.settings,
        reporter=source.reporter,
        **(source.local.options.keywords() if source.local else {}),
    ) as runner:
        engine = _engine(runner.model)
        samples = []
        for path in paths[:MOST]:
            image = read_image(path, honor_exif=True)
            samples.append(_sample(runner.draw(image, runner(image)), f"{path.name}, {engine}{boxes}"))
    return tuple(samples)


def set_images(source: ModelSource, data: CocoSet) -> tuple[SampleImage, ...]:
    """Draw results on images of a data set that show a few persons.

    Args:
        source: The model.
        data: The data set.
    """
    pose = isinstance(source.entry.output, HeatmapOutput)
    boxes = ", annotated boxes" if pose else ""
    # Annotated boxes refer to the image with or without EXIF rotation, as the data set or protocol states.
    default = get_keypoint_protocol(source.entry).honor_exif if pose else True
    with _network(source) as network:
        return tuple(
            _sample(
                _annotate(
                    network,
                    read_image(
                        image.path, honor_exif=default if image.honor_exif is None else image.honor_exif
                    ),
                    image.persons_with_keypoints() if pose else np.zeros((0, 4)),
                ),
                f"{image.path.name}, {_engine(network)}{boxes}",
            )
            for image in _select_images(data.images)
        )


def drawn_images(source: ModelSource) -> tuple[SampleImage, ...]:
    """Draw results on the first built-in images.

    Args:
        source: The model.
    """
    samples = []
    with _network(source) as network:
        for seed in range(HELD_OUT, HELD_OUT + MOST):
            drawn = draw_image(seed)
            annotated = _annotate(network, as_image(drawn.image, honor_exif=False), drawn.corners)
            samples.append(_sample(annotated, f"drawn image {seed}, {_engine(network)}, annotated boxes"))
    return tuple(samples)


@contextmanager
def _network(source: ModelSource) -> Iterator[LoadedModel]:
    """Load the network on the first available engine."""
    with ExitStack() as stack:
        yield _load_first(source, stack)


def _load_first(source: ModelSource, stack: ExitStack) -> LoadedModel:
    resolver = resolver_for(
        SourceOptions(settings=source.settings, locked=source.locked),
        reporter=source.reporter,
        models=[LocatedModel(source.entry, source.local)],
    )
    for backend in _ORDER:
        try:
            choice = RunConfig(backend=backend, build=source.build)
            (network,) = stack.enter_context(load_networks([(source.entry, choice)], resolver))
        except MissingToolError:
            if backend == _ORDER[-1]:
                raise
        else:
            return network
    raise AssertionError("there is at least one engine")


def _annotate(network: LoadedModel, image: Image, persons: Array) -> Image:
    output = network.entry.output
    if isinstance(output, HeatmapOutput):
        estimator = make_estimator(network, get_keypoint_protocol(network.entry))
        return draw_poses(image, estimator(image, persons), output)
    detector = make_detector(network, get_detection_protocol(network.entry).nms)
    return draw_boxes(image, detector(image), detector.output.classes, threshold=_THRESHOLD)


def _select_images(images: Sequence[CocoImage]) -> list[CocoImage]:
    """Select images that show a few large upright persons with annotated joints."""

    def score(image: CocoImage) -> float:
        persons = [item for item in image.annotations if not item.get("iscrowd") and item.get("bbox")]
        shares = [_share(item, image) for item in persons]
        return sum(shares) * (1.0 if len(persons) in _A_FEW else 0.2)

    return sorted(images, key=score, reverse=True)[:MOST]


def _share(item: Mapping[str, Any], image: CocoImage) -> float:
    """Area share of a person in the image, reduced for lying and partly hidden persons."""
    _, _, width, height = item["bbox"]
    upright = min(1.0, height / max(1.0, 2 * width))
    count = item.get("num_keypoints")
    labeled = count / 17 if isinstance(count, int) else 1.0
    share = width * height / (image.width * image.height)
    return float(upright * labeled**2 * min(0.3, share))


def _engine(network: LoadedModel) -> str:
    return f"{network.fetched.artifact} on {network.session.engine} {network.session.engine_version}"


def _sample(image: Image, caption: str) -> SampleImage:
    import cv2  # imported here: slow to import

    pixels = image.as_bgr()
    factor = min(1.0, _SIDE / max(pixels.shape[:2]))
    if factor < 1:
        pixels = np.asarray(
            cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    height, width = pixels.shape[:2]
    return SampleImage(
        caption=caption, width=width, height=height, jpeg=base64.b64encode(encoded.tobytes()).decode()
    )
