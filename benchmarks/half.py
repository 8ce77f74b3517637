"""Compare the ARM FP16 emulation with golden outputs of the ARM kernels, and measure its speed.

    python benchmarks/half.py ../shared/data --pose POSE.nb --detector DETECTOR.nb

Create both files with ``zoo convert MODEL --to lite --precision fp16 --out FILE.nb`` from
``tinypose_128x96`` and ``picodet_s_192_pedestrian`` in ``../shared/data/inference``. The output shows, for
every output of the network, the number of values that are bit-identical to those of the kernels and the
largest difference, and the seconds per input.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.runner.sessions import Session, open_session

POSE, DETECTOR = "tinypose_128x96", "picodet_s_192_pedestrian"


class Golden(NamedTuple):
    """One input and the outputs of the kernels by number."""

    image: np.ndarray
    outputs: dict[int, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--pose", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    options = parser.parse_args()
    folder = options.data / "reference/arm"
    with open_session(options.pose, "lite") as session:
        report(POSE, session, [*pose_set(folder), *pose_demos(folder)])
    with open_session(options.detector, "lite") as session:
        report(DETECTOR, session, [*detector_set(folder), *detector_demos(folder)])


def report(name: str, session: Session, golden: list[Golden]) -> None:
    session.run({"image": golden[0].image})  # compiles the kernels or loads compiled ones
    same: dict[int, list[np.ndarray]] = {}
    farthest: dict[int, float] = {}
    seconds = []
    for case in golden:
        start = time.perf_counter()
        outputs = list(session.run({"image": case.image}).values())
        seconds.append(time.perf_counter() - start)
        for number, expected in case.outputs.items():
            found = outputs[number].reshape(expected.shape)
            same.setdefault(number, []).append(bits(found) == bits(expected))
            apart = float(np.abs(found.astype(np.float64) - expected).max())
            farthest[number] = max(farthest.get(number, 0.0), apart)
    print(f"{name}, {session.engine} {session.engine_version}: {len(golden)} inputs")
    for number, parts in sorted(same.items()):
        whole = sum(bool(part.all()) for part in parts)
        equal = sum(int(part.sum()) for part in parts)
        total = sum(part.size for part in parts)
        print(
            f"  output {number}: {equal} of {total} values bit-identical, {whole} of {len(parts)} tensors;"
            f" largest difference {farthest[number]:.1e}"
        )
    print(f"  seconds per input: median {np.median(seconds):.3f}, largest {max(seconds):.3f}")


def bits(values: np.ndarray) -> np.ndarray:
    return values.view(f"u{values.dtype.itemsize}")


def pose_set(folder: Path) -> Iterator[Golden]:
    stored = np.load(folder / f"golden_{POSE}.npz")
    for person, maps, mirrored in zip(
        stored["input"], stored["heatmap_arm_fp16"], stored["heatmap_flipped_arm_fp16"], strict=True
    ):
        yield Golden(person[None], {0: maps[None]})
        yield Golden(np.ascontiguousarray(person[None, ..., ::-1]), {0: mirrored[None]})


def pose_demos(folder: Path) -> Iterator[Golden]:
    for path in sorted(folder.glob(f"{POSE}__*.npz")):
        stored = np.load(path)
        for key in [name for name in stored.files if name == "full_input" or name.startswith("input_")]:
            maps, places = key.replace("input", "heatmap"), key.replace("input", "argmax")
            yield Golden(stored[key], {0: stored[f"{maps}_arm_fp16"], 1: stored[f"{places}_arm_fp16"]})


def detector_set(folder: Path) -> Iterator[Golden]:
    stored = np.load(folder / f"golden_{DETECTOR}.npz")
    for number, image in enumerate(stored["image"]):
        yield Golden(image[None], {k: stored[f"out{k}_arm_fp16"][number][None] for k in range(8)})


def detector_demos(folder: Path) -> Iterator[Golden]:
    for path in sorted(folder.glob(f"{DETECTOR}__*.npz")):
        stored = np.load(path)
        yield Golden(stored["image"], {k: stored[f"out{k}_arm_fp16"] for k in range(8)})


if __name__ == "__main__":
    main()
