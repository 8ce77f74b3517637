"""Convert two real networks with every Paddle-Lite version and compare the x86 files with Paddle Inference.

    python benchmarks/lite_versions.py ../shared/data

For each version and each model in ``inference/``: run ``zoo convert`` with a cache that contains only the
toolchains, so that each conversion is executed and timed; inspect the file; and for x86 compute the largest
absolute difference from the inference model under Paddle Inference, on the network inputs in ``reference/``.
A failed conversion is a row with the error of the tool. Times include the start of ``zoo``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from formats import inputs, run

import registry
from converters.formats import inspect
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.toolchain.pins import LITE_VERSIONS, PADDLE, paddlelite
from registry.errors import ZooError
from zoo.evaluation.output_diff import compare_outputs
from zoo.runner.sessions import open_session
from zoo.settings import from_environment

HEAD = "| model | version | kind | opt in file | ops | contents | s | canonical | x86 against Paddle |"
KINDS = (("arm", "fp32"), ("arm", "fp16"), ("x86", "fp32"))
LIMIT = 1e-4


def convert(model: Path, version: str, kind: tuple[str, str], out: Path, cache: Path) -> tuple[float, str]:
    """Convert a model; returns the seconds and the error text, or an empty text."""
    target, precision = kind
    command = [
        sys.executable,
        "-m",
        "zoo",
        "convert",
        str(model),
        "--to",
        "lite",
        "--out",
        str(out),
        "--json",
    ]
    command += ["--lite-version", version, "--target", target, "--precision", precision]
    start = time.perf_counter()
    ran = subprocess.run(
        command, env=os.environ | {"ZOO_CACHE": str(cache)}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if ran.returncode == 0:
        return seconds, ""
    error = json.loads(ran.stdout)["error"]
    return seconds, f"exit {ran.returncode}, {error['message']}; {error['found']}; try: {error['hint']}"


def expected(model: Path, images: np.ndarray, interpreter: Interpreter, feeds: dict) -> list:
    with open_session(model, "paddle", interpreter=interpreter) as session:
        return [run(session, image, feeds) for image in images]


def parity(path: Path, version: str, images: np.ndarray, wanted: list, toolchains: Toolchains) -> str:
    feeds = {"scale_factor": np.ones((1, 2), np.float32)}
    interpreter = toolchains.ensure(paddlelite(version), lambda text: None)
    try:
        with open_session(path, "lite", interpreter=interpreter) as session:
            found = [run(session, image, feeds) for image in images]
    except ZooError as error:
        return f"does not run: {error.message}; {error.found}"
    worst = max(
        each.max_abs
        for left, right in zip(wanted, found, strict=True)
        for each in compare_outputs(left, right)
    )
    return f"{worst:.1e} on {len(images)} inputs, {'within' if worst <= LIMIT else 'ABOVE'} {LIMIT:.0e}"


def measure(model: Path, reference: Path, toolchains: Toolchains, cache: Path) -> None:
    name = registry.load().get(model.name).name
    images = inputs(reference, name)
    paddle = toolchains.ensure(PADDLE, lambda text: None)
    wanted = expected(model, images, paddle, {"scale_factor": np.ones((1, 2), np.float32)})
    for version in LITE_VERSIONS:
        for kind in KINDS:
            out = cache / f"{name}-{version}-{'-'.join(kind)}.nb"
            seconds, failure = convert(model, version, kind, out, cache)
            cells = [name, version, " ".join(kind)]
            if failure:
                print(f"| {' | '.join(cells)} | - | - | FAILED | {seconds:.1f} | - | {failure} |", flush=True)
                continue
            made = inspect(out)
            contents = f"{made.target} {made.precision}"
            twin = parity(out, version, images, wanted, toolchains) if kind[0] == "x86" else "not run here"
            cells += [str(made.made_by), str(sum(made.operators.values())), contents, f"{seconds:.1f}"]
            cells += [made.canonical_sha256[:16], twin]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    settings = from_environment()
    toolchains = Toolchains(settings.toolchains, python=settings.python)
    for version in LITE_VERSIONS:
        toolchains.ensure(paddlelite(version), print)
    print(HEAD)
    print("|" + "---|" * (HEAD.count("|") - 1))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        (cache / "toolchains").symlink_to(settings.toolchains)
        for model in sorted((data / "inference").iterdir()):
            measure(model, data / "reference", toolchains, cache)


if __name__ == "__main__":
    main()
