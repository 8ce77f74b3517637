"""Check how often paired differences give each verdict where the truth is known.

    python -m benchmarks.paired_calibration [--trials 400] [--images 62 250]

The population is 4,000 synthetic images with persons. Each trial sees a sample of the images, and one of
these pairs of models:

- the same model twice,
- two models that are equally good: the pose of every tenth person is moved, of different persons in each
  model, and a coin decides for each image which model is which, so that the true difference is zero,
- a model that is worse by the margin, 0.5 points of AP on the population: poses are moved until it is,
- a model that is one point worse.

No verdict "worse" may come from equal models in more than 5 % of the trials, no verdict "equivalent" from a
loss of the margin in more than 5 %, and none at all from a loss of one point.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.helpers.synthetic_coco import JOINTS, SyntheticCoco, make_synthetic
from zoo.evaluation.average_precision import compute_metrics
from zoo.evaluation.paired import Comparison, compare_paired
from zoo.evaluation.per_image import DETECTION_COLUMNS, INSTANCE_COLUMNS, ImageMatches
from zoo.evaluation.scoring import Scorer

POPULATION = 4000
MARGIN = 0.5
OUTCOMES: tuple[Comparison, ...] = ("equivalent", "worse", "better", "undecided")

Pair = Callable[[np.random.Generator, np.ndarray], tuple[ImageMatches, ImageMatches]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--images", type=int, nargs="+", default=[62, 250])
    parser.add_argument("--resamples", type=int, default=400)
    options = parser.parse_args()
    made = make_synthetic(POPULATION, 1, kind="keypoints", seed=1)
    print(f"| models | images | {' | '.join(OUTCOMES)} | mean width of the interval |")
    print(f"|---|---|{'---|' * len(OUTCOMES)}---|")
    failed = False
    for name, pair in pairs(made).items():
        for images in options.images:
            counts, width = run(pair, images, options.trials, options.resamples)
            shares = {outcome: 100 * counts[outcome] / options.trials for outcome in OUTCOMES}
            cells = " | ".join(f"{share:.1f} %" for share in shares.values())
            print(f"| {name} | {images} | {cells} | {width:.2f} |", flush=True)
            failed |= not passes(name, shares)
    return int(failed)


def pairs(made: SyntheticCoco) -> dict[str, Pair]:
    """The pairs of models, by their names in the table."""
    whole = match(made)
    first, second = (match(moved(made, 0.1, seed)) for seed in (1, 2))
    losses = {points: find_loss(made, whole, points) for points in (MARGIN, 1.0)}

    def same(_random: np.random.Generator, drawn: np.ndarray) -> tuple[ImageMatches, ImageMatches]:
        return select(whole, drawn), select(whole, drawn)

    def equal(random: np.random.Generator, drawn: np.ndarray) -> tuple[ImageMatches, ImageMatches]:
        coin = random.random(len(drawn)) < 0.5
        parts = [(select(model, drawn, coin), select(model, drawn, ~coin)) for model in (first, second)]
        merge = ImageMatches.merge
        return merge([parts[0][0], parts[1][1]]), merge([parts[1][0], parts[0][1]])

    def worse(poor: ImageMatches) -> Pair:
        return lambda _random, drawn: (select(whole, drawn), select(poor, drawn))

    return {
        "the same model": same,
        "equally good": equal,
        **{f"{points:g} points worse": worse(poor) for points, poor in losses.items()},
    }


def passes(name: str, shares: dict[str, float]) -> bool:
    """Whether the shares of the verdicts, in percent, are those that the truth allows."""
    if "worse" not in name:
        return shares["worse"] <= 5
    return shares["equivalent"] <= (5 if name.startswith(f"{MARGIN:g}") else 0)


def run(pair: Pair, images: int, trials: int, resamples: int) -> tuple[Counter[str], float]:
    """Count the verdicts, and average the width of the 95 % interval in points."""
    random = np.random.Generator(np.random.PCG64(images))
    counts: Counter[str] = Counter()
    widths = []
    for trial in range(trials):
        drawn = random.integers(POPULATION, size=images)
        reference, candidate = pair(random, drawn)
        verdict = compare_paired(reference, candidate, margin=MARGIN, resamples=resamples, seed=trial).verdict
        counts[verdict.outcome] += 1
        if verdict.low is not None and verdict.high is not None:
            widths.append(verdict.high - verdict.low)
    return counts, float(np.mean(widths))


def match(made: SyntheticCoco) -> ImageMatches:
    data = made.coco_set()
    scorer = Scorer(data, "keypoints", categories=(1,), max_detections=20)
    scorer.add(data.images, made.records)
    return scorer.finish()


def moved(made: SyntheticCoco, fraction: float, seed: int) -> SyntheticCoco:
    """Move the joints of a part of the results by 5 % of the size of the person."""
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = random.random(len(made.records)) < fraction
    noise = random.normal(0, 0.05, (len(made.records), JOINTS, 2))
    records = [
        move(record, shift) if picked else record
        for record, shift, picked in zip(made.records, noise, chosen, strict=True)
    ]
    return SyntheticCoco(made.document, records)


def move(record: dict[str, Any], noise: np.ndarray) -> dict[str, Any]:
    joints = np.array(record["keypoints"]).reshape(JOINTS, 3)
    joints[:, :2] += noise * (record["bbox"][2] + record["bbox"][3]) / 2
    return record | {"keypoints": joints.ravel().tolist()}


def find_loss(made: SyntheticCoco, whole: ImageMatches, points: float) -> ImageMatches:
    """Move as many results as cost so many points of AP; their fraction is found by bisection."""
    low, high = 0.0, 1.0
    before = compute_metrics(whole).AP or 0.0
    for _ in range(12):
        fraction = (low + high) / 2
        poor = match(moved(made, fraction, seed=3))
        loss = 100 * (before - (compute_metrics(poor).AP or 0.0))
        if abs(loss - points) < 0.005:
            break
        low, high = (fraction, high) if loss < points else (low, fraction)
    return poor


def select(matches: ImageMatches, drawn: np.ndarray, kept: np.ndarray | None = None) -> ImageMatches:
    """The matches of drawn images, with the number of the draw as id; of all draws, or of those kept."""
    draws = np.arange(len(drawn)) if kept is None else np.flatnonzero(kept)
    columns: dict[str, Any] = {}
    for names in (DETECTION_COLUMNS, INSTANCE_COLUMNS):
        image = getattr(matches, names[0])
        starts, ends = (np.searchsorted(image, drawn[draws], side) for side in ("left", "right"))
        rows = np.concatenate([np.arange(*pair) for pair in zip(starts, ends, strict=True)])
        columns |= {name: getattr(matches, name)[rows] for name in names}
        columns[names[0]] = np.repeat(np.arange(len(draws), dtype=np.int32), ends - starts)
    return replace(matches, images=tuple(draws.tolist()), **columns)


if __name__ == "__main__":
    raise SystemExit(main())
