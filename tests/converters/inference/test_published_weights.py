"""Real weights, on real images, against the published graph and the models' original runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import registry
from converters.choices import Program
from registry.schema import DetectionOutput, Entry, LCNet, PicoDet
from tests.converters.inference.conftest import PROGRAMS, Arrays, Export, Job, Predict, options

DETECTOR, LCNET_DETECTOR = "picodet_s_192_pedestrian", "picodet_s_192_lcnet_pedestrian"
POSES = ["tinypose_128x96", "tinypose_256x192"]
LEGACY_ONLY = {"tinypose_256x192"}
"""The network of its smaller sibling; exporting it in the other form would test nothing further."""


class Reference(NamedTuple):
    """One network input and what the original runtime made of it."""

    image: NDArray[np.float32]
    outputs: Arrays


class Compared(NamedTuple):
    """A reference, what our export computes, and what the published graph computes in the same process."""

    reference: Reference
    outputs: Arrays
    published: Arrays | None


def references(shared: Path, name: str) -> list[Reference]:
    found = []
    for file in sorted((shared / "data" / "reference").glob(f"{name}__*.npz")):
        arrays = dict(np.load(file))
        if "image" in arrays:
            found.append(Reference(arrays.pop("image"), arrays))
        inputs = [key for key in arrays if "input" in key]
        found += [
            Reference(arrays[key], {"heatmaps": arrays[key.replace("input", "heatmap")]}) for key in inputs
        ]
    return found


def feeds(shared: Path, name: str) -> list[Arrays]:
    return [{"image": reference.image} for reference in references(shared, name)]


def lcnet_entry() -> Entry:
    """The 2022 detector; only its network and what its graph hands out matter here."""
    entry = registry.load().get(DETECTOR)
    network = PicoDet(
        backbone=LCNet(scale=0.75),
        neck="lc_pan",
        head="pico_head_v2",
        width=96,
        tower_depth=2,
        classes=1,
    )
    assert isinstance(entry.output, DetectionOutput)
    output = entry.output.model_copy(update={"head": "boxes"})
    return entry.model_copy(update={"name": LCNET_DETECTOR, "architecture": network, "output": output})


@pytest.fixture(scope="module")
def compared(shared: Path, make: Export, predict: Predict) -> dict[tuple[str, Program], list[Compared]]:
    entries = {name: registry.load().get(name) for name in (DETECTOR, *POSES)}
    entries[LCNET_DETECTOR] = lcnet_entry()
    graph = shared / "data" / "inference" / DETECTOR
    found: dict[tuple[str, Program], list[Compared]] = {}
    for program in PROGRAMS:
        jobs: list[Job] = []
        names = [name for name in entries if program == "legacy" or name not in LEGACY_ONLY]
        for name in names:
            entry = entries[name]
            weights = shared / "data" / "weights" / f"{name}.pdparams"
            model = make(entry, weights, options(entry, program=program))
            jobs.append(Job(model.program, model.params, feeds(shared, name)))
        jobs.append(Job(graph / "model.pdmodel", graph / "model.pdiparams", feeds(shared, DETECTOR)))
        *ours, published = predict(program, jobs)
        for name, outputs in zip(names, ours, strict=True):
            expected = references(shared, name)
            others = published if name == DETECTOR else [None] * len(expected)
            rows = zip(expected, outputs, others, strict=True)
            found[name, program] = [Compared(*row) for row in rows]
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_2021_detector_equals_the_published_graph(
    program: Program, compared: dict[tuple[str, Program], list[Compared]]
) -> None:
    rows = compared[DETECTOR, program]

    assert len(rows) == 2
    for reference, ours, published in rows:
        assert published is not None
        for number, (one, other) in enumerate(zip(ours.values(), published.values(), strict=True)):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
            np.testing.assert_allclose(one, reference.outputs[f"out{number}"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "program"),
    [(name, program) for name in POSES for program in PROGRAMS if name not in LEGACY_ONLY]
    + [(name, "legacy") for name in sorted(LEGACY_ONLY)],
)
def test_heat_maps_equal_the_reference_and_peak_in_the_same_cells(
    name: str, program: Program, compared: dict[tuple[str, Program], list[Compared]]
) -> None:
    rows = compared[name, program]

    assert len(rows) >= 6
    for reference, ours, _ in rows:
        expected = reference.outputs["heatmaps"]
        np.testing.assert_allclose(ours["heatmaps"], expected, rtol=0, atol=5e-5)
        np.testing.assert_array_equal(ours["argmax"], expected.reshape(1, 17, -1).argmax(-1))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_2022_detector_equals_the_reference(
    program: Program, compared: dict[tuple[str, Program], list[Compared]]
) -> None:
    rows = compared[LCNET_DETECTOR, program]

    assert len(rows) == 2
    for reference, ours, _ in rows:
        confident = reference.outputs["scores"][0, 0] > 0.3
        assert confident.any()
        expected = reference.outputs["boxes"][0, confident]
        np.testing.assert_allclose(ours["boxes"][0, confident], expected, rtol=0, atol=0.1)
        np.testing.assert_allclose(ours["scores"], reference.outputs["scores"], rtol=0, atol=5e-4)
