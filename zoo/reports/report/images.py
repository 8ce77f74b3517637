"""Images for a report, with what a model found drawn on them."""

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
from zoo.artifacts.formats import Backend
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.workspace import resolver_for
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.reports.report.result import SampleImage
from zoo.runner.draw import draw_boxes, draw_poses
from zoo.runner.images import Image, as_image, read_image
from zoo.runner.load import load
from zoo.runner.loading import LoadedModel, RunConfig, open_models
from zoo.runner.runner import get_detection_protocol, make_detector, make_estimator, get_keypoint_protocol
from zoo.sample.figures import HELD_OUT, picture
from zoo.settings import Settings

MOST = 4
"""Images an entry."""

_SIDE = 720  # pixels of the longer side; a page of a few models stays below some megabytes
_QUALITY = 85
_ORDER: tuple[Backend, ...] = ("onnx", "paddle")
_A_FEW = range(2, 6)
_THRESHOLD = 0.5  # boxes that score less are not drawn


@dataclass(frozen=True)
class Shown:
    """Whose findings are drawn, and how its files are got.

    Attributes:
        entry: The entry.
        settings: Settings.
        reporter: Who hears about the work.
        build: As for ``zoo.load``.
        locked: As for ``zoo.load``.
    """

    entry: Entry
    settings: Settings
    reporter: Reporter
    build: bool | None
    locked: bool


def given_images(shown: Shown, paths: Sequence[Path], detector: str | None) -> tuple[SampleImage, ...]:
    """Images of the caller's, as ``zoo run`` draws them.

    Args:
        shown: Whose findings.
        paths: The images; the first few are taken.
        detector: Finds the persons for a pose model; an image is one person without it.
    """
    pose = isinstance(shown.entry.output, HeatmapOutput)
    boxes = "" if not pose else f", persons found by {detector}" if detector else ", all of it one person"
    with load(
        shown.entry.id,
        detector=detector if pose else None,
        build=shown.build,
        locked=shown.locked,
        settings=shown.settings,
        reporter=shown.reporter,
    ) as runner:
        engine = _engine(runner.network)
        pictures = []
        for path in paths[:MOST]:
            photo = read_image(path, honor_exif=True)
            pictures.append(_sample(runner.draw(photo, runner(photo)), f"{path.name}, {engine}{boxes}"))
    return tuple(pictures)


def set_images(shown: Shown, data: CocoSet) -> tuple[SampleImage, ...]:
    """Images of a data set: those with a few persons, as the protocol looks at them.

    Args:
        shown: Whose findings.
        data: The set.
    """
    pose = isinstance(shown.entry.output, HeatmapOutput)
    words = ", true boxes" if pose else ""
    # Annotated boxes belong to the image as the protocol reads it, which may be before it is turned.
    turned = get_keypoint_protocol(shown.entry).honor_exif if pose else True
    with _network(shown) as network:
        return tuple(
            _sample(
                _drawn(network, read_image(photo.path, honor_exif=turned), photo.persons_with_keypoints()),
                f"{photo.path.name}, {_engine(network)}{words}",
            )
            for photo in _telling(data.images)
        )


def drawn_images(shown: Shown) -> tuple[SampleImage, ...]:
    """The first built-in drawn pictures.

    Args:
        shown: Whose findings.
    """
    samples = []
    with _network(shown) as network:
        for seed in range(HELD_OUT, HELD_OUT + MOST):
            made = picture(seed)
            sides = ((x, y, x + width, y + height) for x, y, width, height in (p.box for p in made.persons))
            drawn = _drawn(network, as_image(made.image, honor_exif=False), np.array(list(sides)))
            samples.append(_sample(drawn, f"drawn image {seed}, {_engine(network)}, true boxes"))
    return tuple(samples)


@contextmanager
def _network(shown: Shown) -> Iterator[LoadedModel]:
    """The network on the first engine that can be had."""
    with ExitStack() as stack:
        yield _first_opened(shown, stack)


def _first_opened(shown: Shown, stack: ExitStack) -> LoadedModel:
    resolver = resolver_for(shown.settings, locked=shown.locked, reporter=shown.reporter)
    for backend in _ORDER:
        try:
            choice = RunConfig(backend=backend, build=shown.build)
            (network,) = stack.enter_context(open_models([(shown.entry, choice)], resolver))
        except MissingToolError:
            if backend == _ORDER[-1]:
                raise
        else:
            return network
    raise AssertionError("there is at least one engine")


def _drawn(network: LoadedModel, photo: Image, persons: Array) -> Image:
    output = network.entry.output
    if isinstance(output, HeatmapOutput):
        estimator = make_estimator(network, get_keypoint_protocol(network.entry))
        return draw_poses(photo, estimator(photo, persons), output.joints)
    detector = make_detector(network, get_detection_protocol(network.entry).nms)
    return draw_boxes(photo, detector(photo), detector.output.classes, threshold=_THRESHOLD)


def _telling(photos: Sequence[CocoImage]) -> list[CocoImage]:
    """Images in which there is something to see: a few upright persons, large, with their joints labeled."""

    def worth(photo: CocoImage) -> float:
        persons = [item for item in photo.annotations if not item.get("iscrowd") and item.get("bbox")]
        shares = [_share(item, photo) for item in persons]
        return sum(shares) * (1.0 if len(persons) in _A_FEW else 0.2)

    return sorted(photos, key=worth, reverse=True)[:MOST]


def _share(item: Mapping[str, Any], photo: CocoImage) -> float:
    """Part of the image that a person takes up, less for lying and for half hidden ones."""
    _, _, width, height = item["bbox"]
    upright = min(1.0, height / max(1.0, 2 * width))
    labeled = float(item.get("num_keypoints", 17)) / 17
    share = width * height / (photo.width * photo.height)
    return float(upright * labeled**2 * min(0.3, share))


def _engine(network: LoadedModel) -> str:
    return f"{network.fetched.artifact} on {network.session.engine} {network.session.engine_version}"


def _sample(photo: Image, caption: str) -> SampleImage:
    import cv2  # heavy: as everywhere

    pixels = photo.as_bgr()
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
