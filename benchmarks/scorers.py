"""Compare evaluators of COCO's figures: equal statistics, time and memory.

    python -m pip install faster-coco-eval pycocotools    # hotcoco comes with the extra [run]
    python -m benchmarks.scorers [--images 5000] [--categories 80]

Every evaluator scores the same synthetic results in a process of its own: boxes in 80 categories and persons
with joints, with crowds, equal scores and empty images, and all of COCO's areas and detection limits. The
statistics of pycocotools are the definition. Times exclude making the data and importing the library; memory
is the growth of the resident set.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import time
from importlib import import_module, metadata
from typing import Any

import numpy as np

from tests.helpers.synthetic_coco import make_synthetic
from zoo.evaluation.average_precision import compute_metrics
from zoo.evaluation.scoring import Scorer

REFERENCE = "pycocotools"
LIBRARIES = {
    REFERENCE: ("pycocotools.coco", "pycocotools.cocoeval", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": ("hotcoco", "hotcoco", "COCOeval"),
}
THIS = "zoo.evaluation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--categories", type=int, default=80)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(*options.child, options.images, options.categories)))
        return
    print("| evaluator | version | results | seconds | MB | largest difference of a statistic |")
    print("|---|---|---|---|---|---|")
    for kind in ("bbox", "keypoints"):
        expected: list[float] = []
        for name in (*LIBRARIES, THIS):
            found = run(name, kind, options)
            expected = expected or found["statistics"]
            if name == THIS:  # AP, AP50, AP75 and AR at the largest limit
                difference = spread(
                    found["statistics"], [*expected[:3], expected[8 if kind == "bbox" else 5]]
                )
            else:
                difference = spread(found["statistics"], expected)
            print(
                f"| {name}, {kind} | {found['version']} | {found['results']} | {found['seconds']:.2f} | "
                f"{found['megabytes']:.0f} | {difference:.0e} |"
            )


def spread(first: list[float], second: list[float]) -> float:
    return float(np.abs(np.subtract(first, second)).max())


def run(name: str, kind: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scorers", "--child", name, kind]
    sizes = ["--images", str(options.images), "--categories", str(options.categories)]
    printed = subprocess.run([*command, *sizes], check=True, capture_output=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def measure(name: str, kind: Any, images: int, categories: int) -> dict[str, Any]:
    """Score with one evaluator, in this process."""
    made = make_synthetic(images, categories if kind == "bbox" else 1, kind=kind)
    score = score_here if name == THIS else score_with_library
    modules = [import_module(module) for module in LIBRARIES.get(name, (REFERENCE,))[:2] if name != THIS]
    before, start = peak(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        statistics = score(made, kind, name, modules)
    return {
        "version": "-" if name == THIS else metadata.version(name),
        "results": len(made.records),
        "seconds": time.perf_counter() - start,
        "megabytes": peak() - before,
        "statistics": statistics,
    }


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def score_with_library(made: Any, kind: str, name: str, modules: list[Any]) -> list[float]:
    truth = modules[0].COCO()
    truth.dataset = made.document
    truth.createIndex()
    evaluation = getattr(modules[1], LIBRARIES[name][2])(truth, truth.loadRes(made.records), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(value) for value in evaluation.stats][: 12 if kind == "bbox" else 10]


def score_here(made: Any, kind: Any, _name: str, _modules: list[Any]) -> list[float]:
    """Score image by image, as a validation does: one area, one detection limit."""
    data = made.coco_set()
    by_image: dict[int, list[Any]] = {}
    for record in made.records:
        by_image.setdefault(record["image_id"], []).append(record)
    limit = 100 if kind == "bbox" else 20
    scorer = Scorer(data, kind, categories=data.categories, max_detections=limit)
    for start in range(0, len(data.images), 8):
        images = data.images[start : start + 8]
        scorer.add(images, [each for image in images for each in by_image.get(image.id, ())])
    return [value or 0.0 for value in compute_metrics(scorer.finish()).model_dump().values()]


if __name__ == "__main__":
    main()
