"""Tasks of the two sides of ``runner.py``, each in a separate process; not a command by itself.

Upstream's side uses Paddle like upstream's deployment and evaluation: the same files, engine, options, order
of work and batches, in one process that processes one image after the other. Preprocessing and
postprocessing use our code, which is faster than upstream's; this advantage is not counted.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Read when paddle is imported: it loads a legacy program only if PIR is disabled.
os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112  its own spelling

import cv2
import numpy as np
from passes import Options, Work, serve

import registry
from converters.formats.inspection import Tensor
from zoo._utils.ordered_map import map_ahead
from zoo.datasets.coco import CocoImage, load_set
from zoo.evaluation.measure import measure_keypoints
from zoo.evaluation.scoring import score
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import read_image
from zoo.runner.pipeline import Pipeline
from zoo.runner.postprocess.heads import decode_detections
from zoo.runner.preprocess import prepare_image
from zoo.runner.protocols import PYTHON_DEPLOYMENT_NMS, as_python_deployment
from zoo.runner.results import ImageResult, PoseRecord
from zoo.runner.sessions import Session, open_session

DETECTOR, POSE = "picodet_s_192_pedestrian", "tinypose_128x96"
CATALOG = registry.load()
PROTOCOL = CATALOG.get(POSE).accuracy[0].protocol
IMAGES_PER_GROUP = 8


class PaddleSession:
    """Paddle Inference in this process, configured like ``deploy/python`` for a CPU."""

    engine, engine_version, threads, outputs = "paddle", "", 1, ()

    def __init__(self, folder: Path, threads: int, *, onednn: bool) -> None:
        from paddle import inference

        config = inference.Config(str(folder / "model.pdmodel"), str(folder / "model.pdiparams"))
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(threads)
        if not onednn:
            config.disable_mkldnn()
        config.disable_glog_info()
        config.enable_memory_optim()
        self._predictor = inference.create_predictor(config)
        self.inputs = (Tensor(name="image", shape=(None, 3, None, None), dtype="float32"),)

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        handle = self._predictor.get_input_handle("image")
        handle.reshape(feeds["image"].shape)
        handle.copy_from_cpu(feeds["image"])
        self._predictor.run()
        names = self._predictor.get_output_names()
        return {name: self._predictor.get_output_handle(name).copy_to_cpu() for name in names}


class DygraphSession:
    """The network in ``paddle.nn``, in dynamic mode like upstream's evaluation."""

    engine, engine_version, threads, outputs = "paddle", "", 1, ()

    def __init__(self, weights: Path) -> None:
        import paddle

        from converters.checkpoints import read_weights
        from converters.networks.build import build

        self._paddle = paddle
        self._layer = build(CATALOG.get(POSE).architecture)
        self._layer.set_state_dict(dict(read_weights(weights).arrays))
        self.inputs = (Tensor(name="image", shape=(None, 3, None, None), dtype="float32"),)

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        with self._paddle.no_grad():
            return {"heatmaps": self._layer(self._paddle.to_tensor(feeds["image"])).numpy()}


def upstream_sessions(options: Options) -> tuple[Any, Any]:
    data = Path(options["data"]) / "inference"
    return tuple(
        PaddleSession(data / name, options["upstream_threads"], onednn=options["onednn"])
        for name in (DETECTOR, POSE)
    )


def our_sessions(options: Options) -> tuple[Session, Session]:
    detector, pose = (open_session(Path(options[name]), "onnx") for name in (DETECTOR, POSE))
    return detector, pose


def pipeline_of(detector: Any, pose: Any) -> Pipeline:
    finder, poser = CATALOG.get(DETECTOR), CATALOG.get(POSE)
    return Pipeline(
        Detector(detector, finder.input, finder.output, PYTHON_DEPLOYMENT_NMS),
        PoseEstimator(pose, poser.input, poser.output, as_python_deployment(PROTOCOL)),
    )


def images_of(options: Options) -> list[Path]:
    return sorted((Path(options["data"]) / "coco/val2017").glob("*.jpg"))


def upstream_pipeline(options: Options) -> Work:
    files, pipeline = images_of(options), pipeline_of(*upstream_sessions(options))
    return lambda: _answers([pipeline(file) for file in files])


def our_pipeline(options: Options) -> Work:
    cv2.setNumThreads(1)  # like the command, which processes images in parallel
    files, pipeline = images_of(options), pipeline_of(*our_sessions(options))
    return lambda: _answers(list(pipeline.stream(files, jobs=options["jobs"])))


def _answers(results: list[ImageResult]) -> dict[str, Any]:
    return {"items": len(results), "keypoints": [result.poses.keypoints.tolist() for result in results]}


def upstream_validation(options: Options) -> Work:
    poser = CATALOG.get(POSE)
    session: Any = DygraphSession(Path(options["data"]) / f"weights/{POSE}.pdparams")
    estimator = PoseEstimator(session, poser.input, poser.output, PROTOCOL)
    data = load_set(Path(options["data"]) / "coco", PROTOCOL)
    groups = [data.images[at : at + IMAGES_PER_GROUP] for at in range(0, len(data.images), IMAGES_PER_GROUP)]

    def read(images: list[CocoImage]) -> list[Any]:
        pixels = [read_image(image.path, honor_exif=PROTOCOL.honor_exif) for image in images]
        boxes = [image.persons_with_keypoints() for image in images]
        return [estimator.prepare(*pair) for pair in zip(pixels, boxes, strict=True)]

    def work() -> dict[str, Any]:
        records: list[PoseRecord] = []
        # Two reader threads, like upstream's data loader.
        for images, prepared in zip(groups, map_ahead(read, groups, threads=2, ahead=4), strict=True):
            maps = estimator.heatmaps(np.concatenate([part.tensor for part in prepared]))
            ends = np.cumsum([len(part.regions) for part in prepared])[:-1]
            for image, part, own in zip(images, prepared, np.split(maps, ends), strict=True):
                boxes = image.persons_with_keypoints()
                records += estimator.finish(own, part, boxes, np.ones(len(boxes))).records(image.id)
        metrics = score(data, records, "keypoints", categories=(1,), max_detections=PROTOCOL.max_detections)
        return {"items": len(records), "AP": metrics.AP}

    return work


def our_validation(options: Options) -> Work:
    cv2.setNumThreads(1)
    poser = CATALOG.get(POSE)
    session = open_session(Path(options[POSE]), "onnx")
    estimators = [PoseEstimator(session, poser.input, poser.output, PROTOCOL) for _ in range(options["jobs"])]

    def work() -> dict[str, Any]:
        measured = measure_keypoints(load_set(Path(options["data"]) / "coco", PROTOCOL), estimators)
        return {"items": measured.results, "AP": measured.metrics.AP}

    return work


def floor(sessions: Any) -> Work:
    def work() -> dict[str, Any]:
        random = np.random.default_rng(0)
        times = {}
        for name, session in zip((DETECTOR, POSE), sessions, strict=True):
            spec = CATALOG.get(name).input
            feeds = {"image": random.random((1, 3, spec.height, spec.width), np.float32)}
            times[name] = _median_ms(partial(session.run, feeds))
        return {"ms": times}

    return work


def _median_ms(run: partial[Any], warmup: int = 16, repeats: int = 50) -> float:
    times = []
    for repeat in range(warmup + repeats):
        start = time.perf_counter()
        run()
        if repeat >= warmup:
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def our_stages(options: Options) -> Work:
    """Milliseconds per image of each stage, one image at a time on one thread, without decoding the file."""
    cv2.setNumThreads(1)
    images = [read_image(file, honor_exif=True) for file in images_of(options)]
    sessions = our_sessions(options)
    finder, poser = CATALOG.get(DETECTOR), CATALOG.get(POSE)
    pose = PoseEstimator(sessions[1], poser.input, poser.output, as_python_deployment(PROTOCOL))

    def work() -> dict[str, Any]:
        clock = SimpleNamespace(spent=defaultdict(float), last=0.0)

        def lap(stage: str) -> None:
            now = time.perf_counter()
            clock.spent[stage] += 1000 * (now - clock.last) / len(images)
            clock.last = now

        for image in images:
            clock.last = time.perf_counter()
            prepared = prepare_image(image, finder.input, "host")
            lap("detector pre")
            outputs = list(sessions[0].run({"image": prepared.tensor}).values())
            lap("detector network")
            nms = PYTHON_DEPLOYMENT_NMS
            found = decode_detections(outputs, finder.input, finder.output, nms, prepared.scale).above(0.5)
            lap("detector post")
            persons = pose.prepare(image, found.boxes)
            lap("pose pre")
            maps = pose.heatmaps(persons.tensor)
            lap("pose network")
            pose.finish(maps, persons, found.boxes, found.scores)
            lap("pose post")
        return {"ms": clock.spent}

    return work


TASKS = {
    "upstream pipeline": upstream_pipeline,
    "our pipeline": our_pipeline,
    "upstream validation": upstream_validation,
    "our validation": our_validation,
    "upstream floor": lambda options: floor(upstream_sessions(options)),
    "our floor": lambda options: floor(our_sessions(options)),
    "our stages": our_stages,
}

if __name__ == "__main__":
    serve(TASKS)
