"""Measure the accuracy of every checkpoint in a folder in FP32 and quantized.

    python benchmarks/quantized.py ../shared/data [NAME …]

For each ``weights/NAME.pdparams``: ONNX in FP32, in INT8 calibrated on ``coco/``, and with INT8 weights
only, each measured on ``coco/`` under the protocol of its published figure. The calibration uses images of
the measurement, so the accuracy on other images may be lower.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import registry
import zoo
from zoo.artifacts.resolver import Fetched
from zoo.evaluation.accuracy import CocoFolder, measure, select_protocol
from zoo.runner.loading import LoadedModel, RunConfig
from zoo.runner.sessions import open_session


def accuracy(name: str, model: Path, coco: Path) -> dict[str, float]:
    """Measure the figures of one file, as fractions."""
    entry = registry.load().get(name)
    protocol = select_protocol(entry, None)
    images = CocoFolder(folder=coco).load(protocol, entry)
    fetched = Fetched(
        entry=entry.id,
        artifact="onnx",
        path=model,
        origin="built",
        start="weights",
        url=model.as_uri(),
        sha256="0" * 64,
        from_cache=True,
    )
    with open_session(model, "onnx") as session:
        network = LoadedModel(entry, RunConfig(), fetched, session, "host")
        return measure([network], images, protocol).metrics.model_dump()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="holds weights/ and coco/")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    coco = options.data / "coco"
    ways = {
        "fp32": {"opset": 13},
        "int8": {"precision": "int8", "calibration": coco},
        "weights int8": {"weight_only": "int8"},
    }
    print("| weights | format | bytes | AP / AP50 / AP75 / AR |\n|---|---|---|---|")
    for weights in sorted((options.data / "weights").glob("*.pdparams")):
        if options.names and weights.stem not in options.names:
            continue
        for label, asked in ways.items():
            path = zoo.convert(weights, to="onnx", architecture=weights.stem, **asked).path
            found = accuracy(weights.stem, path, coco)
            figures = " / ".join(f"{100 * found[each]:.1f}" for each in ("AP", "AP50", "AP75", "AR"))
            print(f"| {weights.stem} | {label} | {path.stat().st_size} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
