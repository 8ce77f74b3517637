"""Compare speed and memory with upstream's deployment and evaluation, in one run on one machine.

    python benchmarks/runner.py ../shared/data --store DIR [--rounds 5] [--jobs 2] [--json]
        [--upstream-threads 1] [--onednn off]

Five comparisons for picodet_s_192_pedestrian and tinypose_128x96, each with a target:

- pipeline: images per second from files, detector and pose model; upstream is Paddle Inference configured
  like ``deploy/python``, one image at a time;
- validation: persons per second with the flip test; upstream is the network in paddle with batches of 16 and
  two readers, like its evaluation loop;
- cold start: ``zoo run`` on one image from a warm cache; upstream is ``cold.py``, which does less than its
  script;
- preprocessing and postprocessing relative to the time of the network, without decoding the file;
- peak memory of each process above.

Both sides take turns, pass by pass, and a ratio is that of the medians; ``same answers`` shows the largest
difference of the results. The floor is the engines only, batch 1. ``others`` is the share of the machine
that other processes used: above a few percent, measure again.

DIR is a separate cache that is filled from a local server, which replaces upstream's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from passes import Side, keep_bytecode, machine_seconds, run_command
from served import serve_data

import zoo
from zoo._utils.threads import default_jobs
from zoo.settings import Settings

HERE = Path(__file__).resolve().parent
SIDES = HERE / "sides.py"
DETECTOR, POSE = "picodet_s_192_pedestrian", "tinypose_128x96"
IMAGE = "reference/demo_3.jpg"


@dataclass(frozen=True)
class Bound:
    """Lower or upper bound of a ratio."""

    least: float | None = None
    below: float | None = None

    def holds(self, ratio: float) -> bool:
        return (self.least is None or ratio >= self.least) and (self.below is None or ratio < self.below)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"below {self.below:g}"


@dataclass(frozen=True)
class Comparison:
    """One comparison.

    Attributes:
        what: Name of the figure.
        unit: Unit of both figures.
        upstream: Upstream's figure; that of the network for preprocessing and postprocessing.
        ours: Our figure.
        ratio: ``ours / upstream``.
        target: Bound of the ratio.
        met: Whether the ratio is within the bound.
        note: Difference of the results, and the load of other processes.
    """

    what: str
    unit: str
    upstream: float
    ours: float
    ratio: float
    target: str
    met: bool
    note: str


def main() -> int:
    options = _options()
    environment = keep_bytecode(options.store)
    options = vars(options) | _models(options, environment)
    found = [*_pipeline(options, environment), *_validation(options, environment)]
    found += [*_cold(options, environment), _processing(options, environment)]
    document = {
        "conditions": _conditions(options),
        "floor_ms": _floor(options, environment),
        "comparisons": [asdict(comparison) for comparison in found],
    }
    if options["json"]:
        print(json.dumps(document, indent=2))
    else:
        _print(document)
    return int(not all(comparison.met for comparison in found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", type=lambda word: Path(word).resolve(), help="holds inference/, weights/, coco/"
    )
    parser.add_argument("--store", type=lambda word: Path(word).absolute(), required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="as zoo run --jobs")
    parser.add_argument("--upstream-threads", type=int, default=1, help="its default is 1")
    parser.add_argument("--onednn", choices=("on", "off"), default="on", help="paddle's default is on")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _models(options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    with serve_data(options.data, "inference") as address:
        settings = Settings(cache=options.store, mirrors=(address,))
        paths = {name: zoo.fetch(name, onnx="fp32", settings=settings).path for name in (DETECTOR, POSE)}
    return {**paths, "onednn": options.onednn == "on"}


def _pipeline(options: dict[str, Any], environment: dict[str, str]) -> list[Comparison]:
    turns = _turns("pipeline", options, environment)
    pairs = zip(turns.upstream[0]["keypoints"], turns.ours[0]["keypoints"], strict=True)
    apart = max(_apart(one, other) for one, other in pairs)
    note = f"same answers: joints within {apart:.3f} px"
    return [turns.rates("pipeline", "images/s", Bound(least=3), note), turns.memory("pipeline")]


def _validation(options: dict[str, Any], environment: dict[str, str]) -> list[Comparison]:
    turns = _turns("validation", options, environment)
    note = f"same answers: AP {turns.upstream[0]['AP']:.4f} and {turns.ours[0]['AP']:.4f}"
    return [turns.rates("validation, flip on", "persons/s", Bound(least=5), note), turns.memory("validation")]


def _apart(one: list[Any], other: list[Any]) -> float:
    left, right = np.array(one).reshape(-1, 3), np.array(other).reshape(-1, 3)
    if left.shape != right.shape:
        raise SystemExit("the two sides found different numbers of persons")
    return float(np.abs(left[:, :2] - right[:, :2]).max(initial=0.0))


@dataclass(frozen=True)
class _Turns:
    """Passes of both sides.

    Attributes:
        upstream: One per round.
        ours: One per round.
        upstream_mb: Peak memory of upstream's process.
        our_mb: Peak memory of ours.
        others: Share of the machine that other processes used.
    """

    upstream: list[dict[str, Any]]
    ours: list[dict[str, Any]]
    upstream_mb: float
    our_mb: float
    others: float

    def rates(self, what: str, unit: str, bound: Bound, note: str) -> Comparison:
        upstream, ours = (
            statistics.median(turn["items"] / turn["seconds"] for turn in turns)
            for turns in (self.upstream, self.ours)
        )
        return _compare(what, unit, (upstream, ours), bound, f"{note}; others {self.others:.0%}")

    def memory(self, what: str) -> Comparison:
        return _compare(f"{what}, peak memory", "MB", (self.upstream_mb, self.our_mb), Bound(below=1), "")


def _compare(what: str, unit: str, pair: Sequence[float], bound: Bound, note: str) -> Comparison:
    upstream, ours = pair
    ratio = ours / upstream
    return Comparison(what, unit, upstream, ours, ratio, str(bound), bound.holds(ratio), note)


def _turns(task: str, options: dict[str, Any], environment: dict[str, str]) -> _Turns:
    upstream: list[dict[str, Any]] = []
    ours: list[dict[str, Any]] = []
    with (
        Side(SIDES, f"upstream {task}", options, environment) as theirs,
        Side(SIDES, f"our {task}", options, environment) as own,
    ):
        theirs(), own()  # warm-up
        busy = machine_seconds()
        for _ in range(options["rounds"]):
            upstream.append(theirs())
            ours.append(own())
        others = _others(busy, sum(turn["cpu"] for turn in upstream + ours))
    assert theirs.peak_mb is not None
    assert own.peak_mb is not None
    return _Turns(upstream, ours, theirs.peak_mb, own.peak_mb, others)


def _others(before: dict[str, float], own: float) -> float:
    now = machine_seconds()
    whole = now["all"] - before["all"]
    return max(0.0, now["busy"] - before["busy"] - own) / whole if whole else 0.0


def _cold(options: dict[str, Any], environment: dict[str, str]) -> list[Comparison]:
    image = str(options["data"] / IMAGE)
    models = [str(options["data"] / "inference" / name) for name in (DETECTOR, POSE)]
    flags = [str(options["upstream_threads"]), str(int(options["onednn"]))]
    upstream = [sys.executable, str(HERE / "cold.py"), *models, image, *flags]
    ours = [sys.executable, "-m", "zoo", "run", POSE, image, "--detector", DETECTOR]
    busy = machine_seconds()
    runs = [
        (run_command(upstream, environment), run_command(ours, environment))
        for _ in range(options["rounds"] + 1)
    ]
    others = _others(busy, sum(run.cpu for pair in runs for run in pair))
    seconds = [statistics.median(run.seconds for run in side) for side in zip(*runs[1:], strict=True)]
    peaks = [max(run.peak_mb for run in side) for side in zip(*runs[1:], strict=True)]
    note = f"one image, everything in the cache; others {others:.0%}"
    return [
        _compare("cold start", "s", seconds, Bound(below=0.25), note),
        _compare("cold start, peak memory", "MB", peaks, Bound(below=1), ""),
    ]


def _processing(options: dict[str, Any], environment: dict[str, str]) -> Comparison:
    with Side(SIDES, "our stages", options, environment) as side:
        side()
        rounds = [side()["ms"] for _ in range(options["rounds"])]
    stages = {stage: statistics.median(each[stage] for each in rounds) for stage in rounds[0]}
    network = stages["detector network"] + stages["pose network"]
    around = sum(stages.values()) - network
    note = ", ".join(f"{stage} {value:.2f}" for stage, value in stages.items())
    what = "preprocessing and postprocessing, relative to the network"
    return _compare(what, "ms/image", (network, around), Bound(below=0.5), note)


def _floor(options: dict[str, Any], environment: dict[str, str]) -> dict[str, dict[str, float]]:
    found = {}
    for side, label in (("upstream", "paddle"), ("our", "onnxruntime")):
        with Side(SIDES, f"{side} floor", options, environment) as ask:
            found[label] = ask()["ms"]
    return found


def _conditions(options: dict[str, Any]) -> dict[str, Any]:
    engines = ("paddlepaddle", "onnxruntime", "numpy", "opencv-python-headless")
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in engines},
        "upstream": f"{options['upstream_threads']} threads, oneDNN {'on' if options['onednn'] else 'off'}",
        "ours": f"onnxruntime, {options['jobs']} jobs of one thread",
        "rounds": options["rounds"],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _print(document: dict[str, Any]) -> None:
    print("; ".join(f"{name} {value}" for name, value in document["conditions"].items()))
    for engine, times in document["floor_ms"].items():
        print(f"floor, {engine}, batch 1: " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in times.items()))
    print("| what | upstream | ours | ratio | target | |\n|---|---|---|---|---|---|")
    for row in document["comparisons"]:
        print(
            f"| {row['what']} | {row['upstream']:.2f} {row['unit']} | {row['ours']:.2f} {row['unit']} "
            f"| {row['ratio']:.2f} | {row['target']}: {'met' if row['met'] else 'NOT MET'} | {row['note']} |"
        )


if __name__ == "__main__":
    raise SystemExit(main())
