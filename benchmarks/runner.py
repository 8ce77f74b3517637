"""Speed of the runner beside the bare engines, in one process on one machine.

    python benchmarks/runner.py --coco DIR --detector PROGRAM_DIR --pose PROGRAM_DIR \
        --onnx-detector FILE --onnx-pose FILE [--threads 1] [--rounds 3]

DIR holds ``val2017/`` and ``annotations/`` as COCO does; PROGRAM_DIR are Paddle inference models and the ONNX
files are made of them with ``zoo convert``. Printed are

- the floor: Paddle Inference (oneDNN off) and onnxruntime called bare, with tensors that are ready;
- the pipeline's stages over all photos, file decoding apart, and pre- and post-processing as a share of the
  network's time;
- photos per second of the whole pipeline, from files, and persons per second of the validation with the
  mirrored pass.

Compare figures of one run only; other load on the machine moves all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

# Read when paddle is imported: it opens a legacy program only with its new form switched off.
os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112  its own spelling

import numpy as np

import registry
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.runner.detector import Detector
from zoo.runner.estimator import PoseEstimator
from zoo.runner.images import read_photo
from zoo.runner.pipeline import Pipeline
from zoo.runner.postprocess.heads import final_boxes
from zoo.runner.preprocess import prepare_photo
from zoo.runner.sessions import Session, open_session
from zoo.runner.variants import PYTHON_DEPLOYMENT_NMS, python_deployment
from zoo.validation.coco import measure_detection, measure_keypoints
from zoo.validation.dataset import load_set

CATALOGUE = registry.load()
DETECTOR = CATALOGUE.get("picodet_s_192_pedestrian")
POSE = CATALOGUE.get("tinypose_128x96")


def main() -> None:
    options = _options()
    photos = sorted((options.coco / "val2017").glob("*.jpg"))
    detector_session = open_session(options.onnx_detector, "onnx", threads=options.threads)
    pose_session = open_session(options.onnx_pose, "onnx", threads=options.threads)
    with detector_session, pose_session:
        _floor(options, detector_session, pose_session)
        detector = Detector(detector_session, DETECTOR.input, DETECTOR.output, PYTHON_DEPLOYMENT_NMS)
        protocol = POSE.accuracy[0].protocol
        pose = PoseEstimator(pose_session, POSE.input, POSE.output, python_deployment(protocol))
        _stages(photos, detector, pose, options.rounds)
        _throughput(photos, Pipeline(detector, pose), options.rounds)
        _validation(options, detector_session, pose_session, protocol)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process, paddle included: {peak:.0f} MB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--coco", "--detector", "--pose", "--onnx-detector", "--onnx-pose"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _floor(options: argparse.Namespace, detector: Session, pose: Session) -> None:
    print("bare engines, batch 1, median ms")
    for name, folder, session, spec in (
        ("picodet_s_192_pedestrian", options.detector, detector, DETECTOR.input),
        ("tinypose_128x96", options.pose, pose, POSE.input),
    ):
        tensor = np.random.default_rng(0).random((1, 3, spec.height, spec.width), np.float32)
        paddle = _median_ms(_paddle(folder, tensor, options.threads))
        onnx = _median_ms(lambda session=session, tensor=tensor: session.run({"image": tensor}))
        print(f"  {name:26} paddle {paddle:6.1f}   onnxruntime {onnx:6.1f}")


def _paddle(folder: Path, tensor: np.ndarray, threads: int) -> Callable[[], object]:
    from paddle import inference

    config = inference.Config(str(folder / "model.pdmodel"), str(folder / "model.pdiparams"))
    config.disable_gpu()
    config.disable_mkldnn()
    config.disable_glog_info()
    config.enable_memory_optim()
    config.set_cpu_math_library_num_threads(threads)
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle("image")
    names = predictor.get_output_names()

    def run() -> object:
        handle.reshape(tensor.shape)
        handle.copy_from_cpu(tensor)
        predictor.run()
        return [predictor.get_output_handle(name).copy_to_cpu() for name in names]

    return run


def _median_ms(run: Callable[[], object], warm_up: int = 8, repeats: int = 40) -> float:
    times = []
    for repeat in range(warm_up + repeats):
        start = time.perf_counter()
        run()
        if repeat >= warm_up:
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def _stages(files: list[Path], detector: Detector, pose: PoseEstimator, rounds: int) -> None:
    photos = [read_photo(file, honour_exif=True) for file in files]
    spent: dict[str, float] = defaultdict(float)

    def lap(stage: str, since: float) -> float:
        now = time.perf_counter()
        spent[stage] += now - since
        return now

    for repeat in range(rounds + 1):
        if repeat == 1:
            spent.clear()  # the first round warms up
        for photo in photos:
            clock = time.perf_counter()
            prepared = prepare_photo(photo, DETECTOR.input, "host")
            clock = lap("detector pre", clock)
            outputs = list(detector.session.run({"image": prepared.tensor}).values())
            clock = lap("detector network", clock)
            boxes = final_boxes(
                outputs, DETECTOR.input, DETECTOR.output, PYTHON_DEPLOYMENT_NMS, prepared.scale
            )
            found = boxes.above(0.5)
            clock = lap("detector post", clock)
            persons = pose.prepare(photo, found.boxes)
            clock = lap("pose pre", clock)
            maps = pose.heatmaps(persons.tensor)
            clock = lap("pose network", clock)
            pose.finish(maps, persons, found.boxes, found.scores)
            lap("pose post", clock)
    print(f"stages, ms per photo, mean of {rounds} rounds over {len(photos)} photos")
    for model in ("detector", "pose"):
        pre, network, post = (
            1000 * spent[f"{model} {part}"] / rounds / len(photos) for part in ("pre", "network", "post")
        )
        share = (pre + post) / network
        print(f"  {model:9} pre {pre:5.2f}   network {network:6.2f}   post {post:5.2f}   share {share:.0%}")


def _throughput(files: list[Path], pipeline: Pipeline, rounds: int) -> None:
    for jobs in (1, os.cpu_count() or 1):
        rates = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            persons = sum(len(result.poses) for result in pipeline.stream(files, jobs=jobs))
            rates.append(len(files) / (time.perf_counter() - start))
        rate = statistics.median(rates[1:])
        print(f"pipeline from files, {jobs} jobs: {rate:.1f} photos/s ({persons} persons)")


def _validation(
    options: argparse.Namespace, detector: Session, pose: Session, protocol: KeypointProtocol
) -> None:
    boxes = DETECTOR.accuracy[0].protocol
    assert isinstance(boxes, DetectionProtocol)
    for jobs in (1, os.cpu_count() or 1):
        poses = [PoseEstimator(pose, POSE.input, POSE.output, protocol) for _ in range(jobs)]
        start = time.perf_counter()
        measured = measure_keypoints(load_set(options.coco, protocol), poses)
        rate = measured.results / (time.perf_counter() - start)
        print(
            f"validate poses, mirrored pass, {jobs} jobs: {rate:.1f} persons/s, AP {measured.metrics.AP:.4f}"
        )
        detectors = [Detector(detector, DETECTOR.input, DETECTOR.output, boxes.nms) for _ in range(jobs)]
        start = time.perf_counter()
        found = measure_detection(load_set(options.coco, boxes), detectors, boxes)
        rate = found.photos / (time.perf_counter() - start)
        print(f"validate boxes, {jobs} jobs: {rate:.1f} photos/s, AP {found.metrics.AP:.4f}")


if __name__ == "__main__":
    main()
