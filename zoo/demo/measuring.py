"""Compare each format of the sample model with the inference model and with the published accuracy."""

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
from zoo.evaluation.accuracy import measure, select_protocol
from zoo.evaluation.output_diff import compare_outputs
from zoo.runner.draw import save_image
from zoo.runner.images import as_image
from zoo.runner.loading import LoadedModel, RunConfig, load_networks, one_per_thread
from zoo.runner.preprocess import prepare_persons
from zoo.runner.runner import make_estimator
from zoo.sample.figures import HELD_OUT, DrawnImage, draw_image

COMPARED = 4
"""Number of images for the comparison; each shows up to three figures."""

SHOWN = 6
"""Number of images on the contact sheet."""

# The inference model comes first because it is the reference of the others.
_ORDER = (
    RunConfig(backend="paddle"),
    RunConfig(backend="lite"),
    RunConfig(backend="onnx"),
    RunConfig(backend="lite", precision="fp16"),
)


@dataclass(frozen=True)
class Measured:
    """Measured values.

    Attributes:
        differences: Largest difference from the inference model by format; empty without Paddle Inference.
        accuracy: Accuracy by format.
        annotated: Contact sheet; None if no format could run.
    """

    differences: dict[str, float] = field(default_factory=dict)
    accuracy: dict[str, DemoAccuracy] = field(default_factory=dict)
    annotated: Path | None = None


def measure_formats(
    entry: Entry, resolver: ArtifactResolver, data: Path, *, whole: bool, jobs: int, out: Path
) -> Measured:
    """Run every format that this machine can run.

    Args:
        entry: The sample entry.
        resolver: Resolver with its formats.
        data: Folder written by ``zoo.sample.figures.write_coco``.
        whole: Whether the folder contains all images of the published figure.
        jobs: Images processed in parallel.
        out: File of the contact sheet.

    Raises:
        ConversionError: An engine failed.
        UsageError: ``image-format`` or ``output-not-writable``.
    """
    dataset = load_set(data, select_protocol(entry, None))
    tensor = network_input(entry)
    outputs: dict[str, Mapping[str, Array]] = {}
    accuracy: dict[str, DemoAccuracy] = {}
    annotated = None
    for config in _ORDER:
        name, quick = config.format.name, not config.format.interpreted
        count = len(dataset.images) if quick else COMPARED
        resolver.reporter.note(f"measuring {name} on {count} images")
        try:
            with load_networks(one_per_thread(entry, config, jobs), resolver) as networks:
                session = networks[0].session
                outputs[name] = session.run({session.inputs[0].name: tensor})
                # ARM FP16 emulation takes a tenth of a second per person: minutes for all images.
                if quick:
                    accuracy[name] = _accuracy(networks, dataset, whole=whole, jobs=jobs)
                if annotated is None:
                    annotated = _draw(networks[0], out)
        except MissingToolError as error:
            resolver.reporter.note(f"skipping {name}: {error.message}")
    return Measured(_differences(outputs), accuracy, annotated)


def network_input(entry: Entry) -> Array:
    """Crop and normalize the figures of a few held-out images: ``(N, 3, height, width)`` float32."""
    protocol = _protocol(entry)
    tensors = []
    for drawn in held_out(COMPARED):
        image = as_image(drawn.image, honor_exif=protocol.honor_exif)
        tensors.append(prepare_persons(image, drawn.corners, entry.input, protocol.crop, "host").tensor)
    return np.concatenate(tensors)


def held_out(count: int) -> list[DrawnImage]:
    """Draw the first images that were not used for training."""
    return [draw_image(seed) for seed in range(HELD_OUT, HELD_OUT + count)]


def _protocol(entry: Entry) -> KeypointProtocol:
    protocol = entry.accuracy[0].protocol
    assert isinstance(protocol, KeypointProtocol), "the sample entry is a pose model"
    return protocol


def _accuracy(networks: Sequence[LoadedModel], dataset: CocoSet, *, whole: bool, jobs: int) -> DemoAccuracy:
    protocol = select_protocol(networks[0].entry, None)
    found = measure(networks, dataset, protocol, whole=whole, jobs=jobs)
    verdict = found.verdict
    return DemoAccuracy(
        engine=found.engine,
        measured=verdict.measured,
        low=verdict.low,
        high=verdict.high,
        outcome=verdict.outcome,
        reason=verdict.reason,
    )


def _draw(network: LoadedModel, out: Path) -> Path:
    estimator = make_estimator(network, _protocol(network.entry))
    drawn = held_out(SHOWN)
    poses = [estimator(as_image(each.image, honor_exif=False), each.corners) for each in drawn]
    save_image(contact_sheet([each.image for each in drawn], poses, estimator.output), out)
    return out


def _differences(outputs: Mapping[str, Mapping[str, Array]]) -> dict[str, float]:
    reference = outputs.get("inference")
    if reference is None:
        return {}
    compared = {
        name: compare_outputs(reference, values) for name, values in outputs.items() if name != "inference"
    }
    # An index marks a maximum; in FP16 it may move between two nearly equal values, so it is not counted.
    return {
        name: max(each.max_abs for each in found if not (each.index and name.endswith("fp16")))
        for name, found in compared.items()
    }
