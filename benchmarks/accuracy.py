"""Compare the accuracy of every checkpoint on every engine with upstream's own evaluator.

    python benchmarks/accuracy.py ../shared/data --store DIR [--entry NAME …] [--backend NAME …] [--json]

Every row is one ``zoo validate NAME --build`` in a new process: the checkpoint is fetched from a local
server that replaces upstream's, and converted. DIR is a separate cache, because its lock records the digests
of these files as upstream's. The column "worst" is the largest difference of AP, AP50, AP75 and AR from
upstream's, in percentage points; the command fails if one exceeds 0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from served import serve_data

LIMIT = 0.1
"""Largest allowed difference from upstream's figures, in percentage points."""

FIGURES = ("AP", "AP50", "AP75", "AR")
BACKENDS = ("paddle", "onnx", "lite")


@dataclass(frozen=True)
class Case:
    """A checkpoint with the output of ``tools/eval.py`` of PaddleDetection 666f597f for it.

    Attributes:
        entry: Name of the entry.
        flip: Whether the flip test is enabled; None for detectors.
        upstream: AP, AP50, AP75 and AR on these images, percent.
    """

    entry: str
    flip: bool | None
    upstream: tuple[float, ...]


CASES = (
    Case("tinypose_128x96", True, (56.5, 81.5, 63.2, 59.9)),
    Case("tinypose_128x96", False, (52.7, 81.5, 56.4, 56.0)),
    Case("tinypose_256x192", True, (67.8, 87.8, 75.8, 70.2)),
    Case("tinypose_256x192", False, (66.2, 84.0, 74.0, 68.4)),
    Case("picodet_s_192_pedestrian", None, (29.8, 49.5, 29.9, 41.4)),
    Case("picodet_s_192_lcnet_pedestrian", None, (31.4, 52.8, 30.6, 42.4)),
)


@dataclass(frozen=True)
class Row:
    """A case on one backend.

    Attributes:
        case: The case.
        backend: Backend that ran the model.
        measured: The four figures, percent.
        worst: Their largest difference from upstream's, percentage points.
        engine: Engine and version.
        images: Number of evaluated images.
        results: Number of scored persons or boxes.
        seconds: Wall time of the command, including conversions that were not cached.
    """

    case: Case
    backend: str
    measured: tuple[float, ...]
    worst: float
    engine: str
    images: int
    results: int
    seconds: float


def main() -> int:
    options = _options()
    rows = []
    if not options.json:
        print("| entry | flip | backend | AP / AP50 / AP75 / AR | upstream | worst | s |")
        print("|---|---|---|---|---|---|---|")
    with serve_data(options.data, "weights") as address:
        for case in CASES:
            if options.entry and case.entry not in options.entry:
                continue
            for backend in options.backend or BACKENDS:
                rows.append(_validate(options, address, case, backend))
                if not options.json:
                    print(_line(rows[-1]), flush=True)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    return int(any(row.worst > LIMIT for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="holds weights/ and coco/")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--entry", action="append", choices=sorted({case.entry for case in CASES}))
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _validate(options: argparse.Namespace, address: str, case: Case, backend: str) -> Row:
    command = [sys.executable, "-m", "zoo", "validate", case.entry, "--data", str(options.data / "coco")]
    command += ["--backend", backend, "--build", "--json"]
    command += [] if case.flip is None else ["--flip" if case.flip else "--no-flip"]
    environment = os.environ | {"ZOO_CACHE": str(options.store.absolute()), "ZOO_MIRROR": address}
    start = time.perf_counter()
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    found = json.loads(ran.stdout)
    if "error" in found:
        raise SystemExit(f"{' '.join(command[2:])}: {found['error']['message']}")
    measured = tuple(round(100 * found["metrics"][name], 2) for name in FIGURES)
    worst = max(abs(one - other) for one, other in zip(measured, case.upstream, strict=True))
    return Row(
        case=case,
        backend=backend,
        measured=measured,
        # The figures have two decimals; the rounding of floating-point arithmetic must not decide.
        worst=round(worst, 6),
        engine=found["engine"],
        images=found["images"],
        results=found["results"],
        seconds=round(seconds, 1),
    )


def _line(row: Row) -> str:
    flip = {True: "on", False: "off", None: "-"}[row.case.flip]
    measured = " / ".join(f"{value:.2f}" for value in row.measured)
    upstream = " / ".join(f"{value:.1f}" for value in row.case.upstream)
    verdict = f"{row.worst:.2f}{'' if row.worst <= LIMIT else ' !'}"
    return (
        f"| {row.case.entry} | {flip} | {row.backend}: {row.engine} | {measured} | {upstream} | {verdict} "
        f"| {row.seconds:.1f} |"
    )


if __name__ == "__main__":
    raise SystemExit(main())
