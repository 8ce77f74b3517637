"""Convert every checkpoint in a folder to every format, inspect it and compare it with the inference model.

    python benchmarks/formats.py ../shared/data

For each ``weights/NAME.pdparams``: inference model in both program formats, Lite FP32 and FP16 for arm and
FP32 for x86, ONNX from both program formats, OpenVINO; then the largest absolute difference of every
runnable format from the legacy inference model under Paddle Inference, on the network inputs in
``reference/``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import registry
import zoo
from converters.formats import inspect
from converters.toolchain import Toolchains
from converters.toolchain.pins import OPENVINO, PADDLE, paddlelite
from zoo.artifacts.resolver import Reporter
from zoo.evaluation.output_diff import compare_outputs
from zoo.runner.sessions import open_session
from zoo.settings import from_environment

REPORTER = Reporter()


def inputs(reference: Path, name: str) -> np.ndarray:
    """Network inputs of the reference images, ``(N, 3, height, width)`` float32."""
    arrays = []
    for file in sorted(reference.glob(f"{name}__*.npz")):
        with np.load(file) as stored:
            keys = [key for key in stored.files if key == "image" or key.startswith("input_")]
            arrays += [
                np.asarray(stored[key], np.float32).reshape(1, 3, *stored[key].shape[-2:]) for key in keys
            ]
    return np.concatenate(arrays)


def measure(weights: Path, reference: Path, toolchains: Toolchains) -> None:
    name = weights.stem
    entry = registry.load().get(name)
    common = {"architecture": name, "reporter": REPORTER}
    legacy = zoo.convert(weights, to="inference", **common).path
    pir = zoo.convert(weights, to="inference", program="pir", **common).path
    made = {
        "pir": ("paddle", pir),
        "lite arm fp32": (None, zoo.convert(weights, to="lite", **common).path),
        "lite arm fp16": (None, zoo.convert(weights, to="lite", precision="fp16", **common).path),
        "lite x86 fp32": ("lite", zoo.convert(weights, to="lite", target="x86", **common).path),
        "onnx": ("onnx", zoo.convert(weights, to="onnx", opset=13, **common).path),
        "onnx from pir": ("onnx", zoo.convert(pir, to="onnx", opset=13, reporter=REPORTER).path),
        "openvino": ("openvino", zoo.convert(weights, to="openvino", **common).path),
    }
    images = inputs(reference, name)
    paddle = toolchains.ensure(PADDLE, REPORTER.note)
    interpreters = {"paddle": paddle, "lite": toolchains.ensure(paddlelite(), REPORTER.note), "onnx": None}
    interpreters["openvino"] = toolchains.ensure(OPENVINO, REPORTER.note)
    scale = {"scale_factor": np.ones((1, 2), np.float32)} if entry.output.kind == "detection" else {}
    with open_session(legacy, "paddle", interpreter=paddle) as session:
        expected = [run(session, image, scale) for image in images]
    for label, (engine, path) in made.items():
        found = inspect(path)
        contents = f"{found.format} {found.target or ''} {found.precision or ''}".strip()
        worst = "not run"
        if engine is not None:
            with open_session(path, engine, interpreter=interpreters[engine]) as session:
                got = [run(session, image, scale) for image in images]
            pairs = zip(expected, got, strict=True)
            worst = f"{max(d.max_abs for left, right in pairs for d in compare_outputs(left, right)):.1e}"
        print(f"| {name} | {label} | {contents} | {len(images)} | {worst} |", flush=True)


def run(session, image, scale):
    feeds = {"image": image[None], **scale}
    found = session.run({tensor.name: feeds[tensor.name] for tensor in session.inputs})
    return {name: by_score(array) for name, array in found.items()}


def by_score(array):
    """Sort final boxes, ``(N, 6)`` with the score second, by score: OpenVINO returns another order."""
    boxes = array.ndim == 2 and array.shape[1] == 6
    return array[np.argsort(-array[:, 1], kind="stable")] if boxes else array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    settings = from_environment()
    toolchains = Toolchains(settings.toolchains, python=settings.python)
    print("| weights | format | contents | inputs | max abs |\n|---|---|---|---|---|")
    for weights in sorted((data / "weights").glob("*.pdparams")):
        measure(weights, data / "reference", toolchains)


if __name__ == "__main__":
    main()
