"""Small networks with untrained weights, and workers that run them in both program formats."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import registry
from converters.choices import Program
from converters.inference.export import InferenceModel, run_inference_job
from converters.inference.options import InferenceOptions, published_options
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from registry.schema import CoordinatesOutput, Entry, ESNet, LCNet, LiteHRNet, MulticlassNms, PicoDet
from tests.helpers.paths import REPOSITORY
from tests.helpers.timing import deadline

WORKERS = REPOSITORY / "tests" / "helpers" / "paddle_workers"
PROGRAMS: list[Program] = ["legacy", "pir"]
NMS = MulticlassNms(score_threshold=0.4, iou_threshold=0.5, top_k=50, keep=20)
SCALE_FACTORS = np.array([[0.5, 0.25], [2.0, 1.0]], "float32")
"""Network size divided by image size, y then x, for two images."""

Arrays = dict[str, NDArray[np.float32]]


class Sample(NamedTuple):
    """A small network.

    Attributes:
        entry: An entry that has it.
        weights: Its checkpoint.
        images: Normalized images, two of them.
        outputs: What it computes from each in dynamic graph mode, heads as in the raw export.
    """

    entry: Entry
    weights: Path
    images: NDArray[np.float32]
    outputs: Arrays


class Ran(NamedTuple):
    """A model and what it computed."""

    model: InferenceModel
    outputs: Arrays


class Job(NamedTuple):
    """A model and what to feed it, run by run."""

    program: Path
    params: Path
    feeds: Sequence[Mapping[str, NDArray[np.float32]]]


Predict = Callable[[str, Sequence[Job]], list[list[Arrays]]]
Models = dict[Program, dict[str, Ran]]
Export = Callable[[Entry, Path, InferenceOptions], InferenceModel]


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    packages = {"paddlepaddle": importlib.metadata.version("paddlepaddle")}
    return Interpreter(Path(sys.executable), platform.python_version(), "current", packages)


@pytest.fixture(scope="session")
def run_in_child(
    interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, object]]:
    def run(script: str, request: Mapping[str, object], **env: str) -> dict[str, object]:
        folder = tmp_path_factory.mktemp("child")
        answer = run_worker(
            interpreter,
            WORKERS / script,
            request,  # type: ignore[arg-type]  # plain JSON values
            folder=folder,
            log=folder / "log",
            timeout=deadline(300),
            env=env,
        )
        return dict(answer)

    return run


@pytest.fixture(scope="session")
def make_sample(
    run_in_child: Callable[..., dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Entry], Sample]:
    def make(entry: Entry) -> Sample:
        folder = tmp_path_factory.mktemp(entry.name)
        weights, inputs, outputs = folder / "w.pdparams", folder / "in.npy", folder / "out.npz"
        shape = (2, 3, entry.input.height, entry.input.width)
        images = np.random.default_rng(1).normal(0, 1, shape).astype("float32")
        np.save(inputs, images)
        assert entry.architecture is not None
        request = {
            "network": entry.architecture.model_dump(mode="json"),
            "weights": str(weights),
            "images": str(inputs),
            "outputs": str(outputs),
        }
        run_in_child("dygraph.py", request)
        return Sample(entry, weights, images, dict(np.load(outputs)))

    return make


def options(entry: Entry, **changes: object) -> InferenceOptions:
    """The published options of an entry with some changed."""
    return published_options(entry).model_copy(update=changes)


def small(name: str, network: LiteHRNet | PicoDet, names: tuple[str, ...]) -> Entry:
    """An entry of the catalog with another network, and a small input that is not square."""
    entry = registry.load().get(name)
    field = "joints" if isinstance(network, LiteHRNet) else "classes"
    changed = {field: names} | ({"flip_pairs": ()} if field == "joints" else {})
    return entry.model_copy(
        update={
            "name": f"small_{network.kind}",
            "architecture": network,
            "input": entry.input.model_copy(update={"height": 64, "width": 96}),
            "output": entry.output.model_copy(update=changed),
        }
    )


@pytest.fixture(scope="session")
def pose(make_sample: Callable[[Entry], Sample]) -> Sample:
    network = LiteHRNet(stem_channels=8, width=4, modules=(1, 1, 1), units=1, joints=3)
    return make_sample(small("tinypose_128x96", network, ("nose", "left_eye", "right_eye")))


@pytest.fixture(scope="session")
def pose3d(make_sample: Callable[[Entry], Sample]) -> Sample:
    """A pose network with three joints and five depth cells; its outputs are the raw volumes."""
    network = LiteHRNet(stem_channels=8, width=4, modules=(1, 1, 1), units=1, joints=3, depth=5)
    entry = small("tinypose_128x96", network, ("nose", "left_eye", "right_eye"))
    source = entry.output.source
    return make_sample(
        entry.model_copy(
            update={
                "name": "small_3d",
                "task": "keypoint_detection_3d",
                "output": CoordinatesOutput(joints=3, dimensions=3, source=source),
            }
        )
    )


@pytest.fixture(scope="session")
def detector(make_sample: Callable[[Entry], Sample]) -> Sample:
    """A detector of 2021."""
    network = PicoDet(
        backbone=ESNet(scale=0.125, channel_ratios=(0.5,) * 13),
        neck="csp_pan",
        head="pico_head",
        width=8,
        tower_depth=1,
        classes=2,
    )
    return make_sample(small("picodet_s_192_pedestrian", network, ("cat", "dog")))


@pytest.fixture(scope="session")
def detector_v2(make_sample: Callable[[Entry], Sample]) -> Sample:
    """A detector of 2022."""
    network = PicoDet(
        backbone=LCNet(scale=0.25), neck="lc_pan", head="pico_head_v2", width=8, tower_depth=1, classes=2
    )
    return make_sample(small("picodet_s_192_pedestrian", network, ("cat", "dog")))


@pytest.fixture(scope="session")
def samples(pose: Sample, pose3d: Sample, detector: Sample, detector_v2: Sample) -> dict[str, Sample]:
    """All small networks."""
    return {"pose": pose, "pose3d": pose3d, "detector": detector, "detector_v2": detector_v2}


@pytest.fixture(scope="session")
def make(interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports into a fresh folder."""

    def run(entry: Entry, weights: Path, options: InferenceOptions) -> InferenceModel:
        folder = tmp_path_factory.mktemp("export")
        return run_inference_job(
            entry,
            weights,
            options,
            folder / "out",
            interpreter=interpreter,
            work=folder / "work",
            log=folder / "log",
            note=lambda _: None,
        )

    return run


@pytest.fixture(scope="session")
def predict(
    run_in_child: Callable[..., dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Predict:
    """Runs models in one child, in the mode of the given form of program; outputs of each run by name."""

    def run(program: str, jobs: Sequence[Job]) -> list[list[Arrays]]:
        folder = tmp_path_factory.mktemp("predict")
        runs: list[list[tuple[str, str]]] = []
        for job in jobs:
            runs.append([])
            for feeds in job.feeds:
                stem = f"{folder}/{len(runs)}-{len(runs[-1])}"
                runs[-1].append((f"{stem}.in.npz", f"{stem}.out.npz"))
                np.savez(runs[-1][-1][0], **feeds)
        listed = [
            {"program": str(job.program), "params": str(job.params), "runs": files}
            for job, files in zip(jobs, runs, strict=True)
        ]
        run_in_child("predict.py", {"jobs": listed}, FLAGS_enable_pir_api="01"[program == "pir"])
        return [[dict(np.load(outputs)) for _, outputs in files] for files in runs]

    return run


@pytest.fixture(scope="session")
def models(samples: dict[str, Sample], make: Export, predict: Predict) -> Models:
    """Every head in both forms, run on two images; the raw head on the first alone."""
    pose, pose3d, detector, detector_v2 = samples.values()
    image = pose.entry.input
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (image.mean, image.std))
    pixels = ((detector_v2.images * std + mean) / image.scale).astype("float32")
    boxes = {"head": "boxes", "batch": None, "normalization": "in_graph"}
    nms = {"head": "nms", "batch": None, "nms": NMS}
    plan: dict[str, tuple[Sample, dict[str, object], Arrays]] = {
        "pose": (pose, {}, {"image": pose.images}),
        "3d pose": (pose3d, {}, {"image": pose3d.images}),
        "raw": (detector, {}, {"image": detector.images[:1]}),
        "boxes from pixels": (detector_v2, boxes, {"image": pixels}),
        "nms": (detector_v2, nms, {"image": detector_v2.images, "scale_factor": SCALE_FACTORS}),
    }
    ran: Models = {}
    for program in PROGRAMS:
        made = {
            name: make(sample.entry, sample.weights, options(sample.entry, program=program, **changes))
            for name, (sample, changes, _) in plan.items()
        }
        jobs = [Job(model.program, model.params, [plan[name][2]]) for name, model in made.items()]
        runs = predict(program, jobs)
        ran[program] = {
            name: Ran(model, outputs) for (name, model), [outputs] in zip(made.items(), runs, strict=True)
        }
    return ran
