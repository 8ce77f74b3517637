"""What each format of the sample computes: beside the inference model, and beside the published accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from registry.errors import MissingToolError
from registry.schema import Entry, KeypointProtocol
from zoo._utils.arrays import Array
from zoo.artifacts.resolver import ArtifactResolver
from zoo.datasets.coco import CocoSet, load_set
from zoo.demo.contact_sheet import contact_sheet
from zoo.demo.result import DemoAccuracy
from zoo.evaluation.accuracy import Validation, executed, measure
from zoo.evaluation.output_diff import compare_outputs
from zoo.runner.draw import save_image
from zoo.runner.images import as_image
from zoo.runner.loading import LoadedModel, RunConfig, load_networks, one_per_thread
from zoo.runner.preprocess import prepare_persons
from zoo.runner.runner import estimator_of
from zoo.sample.figures import HELD_OUT, DrawnImage, picture

COMPARED = 4
"""Images the formats are compared on; each holds up to three figures."""

SHOWN = 6
"""Images that are drawn on."""

# The inference model first: others are held to it.
_ORDER = (
    RunConfig(backend="paddle"),
    RunConfig(backend="lite"),
    RunConfig(backend="onnx"),
    RunConfig(backend="lite", precision="fp16"),
)


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        differences: Largest difference from the inference model, by format; none without Paddle Inference.
        accuracy: By format.
        annotated: The image; None where no format could run.
    """

    differences: dict[str, float] = field(default_factory=dict)
    accuracy: dict[str, DemoAccuracy] = field(default_factory=dict)
    annotated: Path | None = None


def measure_formats(
    entry: Entry, resolver: ArtifactResolver, data: Path, *, whole: bool, jobs: int, out: Path
) -> Measured:
    """Runs every format that this machine can run.

    Args:
        entry: The sample's entry.
        resolver: The store that holds its formats.
        data: What ``zoo.sample.figures.write_coco`` wrote.
        whole: Whether these are all images of the published figure.
        jobs: Images looked at together.
        out: Where to write the annotated picture.

    Raises:
        ConversionError: An engine failed.
        UsageError: ``image-format`` or ``output-not-writable``.
    """
    photos = load_set(data, executed(entry, None))
    tensor = network_input(entry)
    outputs: dict[str, Mapping[str, Array]] = {}
    accuracy: dict[str, DemoAccuracy] = {}
    annotated = None
    for choice in _ORDER:
        name, quick = choice.format.name, not choice.format.interpreted
        count = len(photos.images) if quick else COMPARED
        resolver.reporter.note(f"measuring {name} on {count} images")
        try:
            with load_networks(one_per_thread(entry, choice, jobs), resolver) as networks:
                session = networks[0].session
                outputs[name] = session.run({session.inputs[0].name: tensor})
                # Interpreting takes a tenth of a second a person: minutes for all pictures.
                if quick:
                    accuracy[name] = _accuracy(networks, photos, whole=whole, jobs=jobs)
                if annotated is None:
                    annotated = _draw(networks[0], out)
        except MissingToolError as error:
            resolver.reporter.note(f"{name} is not run: {error.message}")
    return Measured(_differences(outputs), accuracy, annotated)


def network_input(entry: Entry) -> Array:
    """The figures of a few held-out images, cut out and normalized: ``(N, 3, height, width)`` float32."""
    protocol = _protocol(entry)
    tensors = []
    for drawn in held_out(COMPARED):
        photo = as_image(drawn.image, honor_exif=protocol.honor_exif)
        tensors.append(prepare_persons(photo, corners(drawn), entry.input, protocol.crop, "host").tensor)
    return np.concatenate(tensors)


def held_out(count: int) -> list[DrawnImage]:
    """The first images that nothing was trained on."""
    return [picture(seed) for seed in range(HELD_OUT, HELD_OUT + count)]


def corners(drawn: DrawnImage) -> Array:
    """``(N, 4)`` x1, y1, x2, y2 of the figures in a picture."""
    return np.array([(x, y, x + width, y + height) for x, y, width, height in (p.box for p in drawn.persons)])


def _protocol(entry: Entry) -> KeypointProtocol:
    protocol = entry.accuracy[0].protocol
    assert isinstance(protocol, KeypointProtocol), "the sample entry is a pose model"
    return protocol


def _accuracy(networks: Sequence[LoadedModel], photos: CocoSet, *, whole: bool, jobs: int) -> DemoAccuracy:
    found: Validation = measure(networks, photos, executed(networks[0].entry, None), whole=whole, jobs=jobs)
    verdict = found.verdict
    return DemoAccuracy(
        engine=found.engine,
        measured=verdict.measured,
        low=verdict.low,
        high=verdict.high,
        met=verdict.met,
        reason=verdict.reason,
    )


def _draw(network: LoadedModel, out: Path) -> Path:
    estimator = estimator_of(network, _protocol(network.entry))
    drawn = held_out(SHOWN)
    poses = [estimator(as_image(each.image, honor_exif=False), corners(each)) for each in drawn]
    save_image(contact_sheet([each.image for each in drawn], poses, estimator.output.joints), out)
    return out


def _differences(outputs: Mapping[str, Mapping[str, Array]]) -> dict[str, float]:
    reference = outputs.get("inference")
    if reference is None:
        return {}
    compared = {
        name: compare_outputs(reference, values) for name, values in outputs.items() if name != "inference"
    }
    # An index says where a maximum is: one that moved between two near equals is no large difference.
    return {
        name: max(each.max_abs for each in found if not (each.index and name.endswith("fp16")))
        for name, found in compared.items()
    }
