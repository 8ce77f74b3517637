"""Measure memory and speed of ``zoo validate`` on sets of growing size.

    python benchmarks/memory.py ../shared/data --store DIR [--entry NAME] [--times 1 10 …] [--jobs 1 2 …]

The set is a multiple of ``coco/``: the same images under new names (links) and ids. Each row is one command
in a new process. DIR is a separate cache, filled as for ``runner.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from passes import keep_bytecode, run_command
from served import serve_data

import registry
from registry.schema.protocol import DetectionProtocol, KeypointProtocol


def main() -> None:
    options = _options()
    environment = keep_bytecode(options.store)
    protocol = registry.load().get(options.entry).accuracy[0].protocol
    assert isinstance(protocol, KeypointProtocol | DetectionProtocol)
    print("| images | results | jobs | AP | s | CPU s | peak MB |\n|---|---|---|---|---|---|---|")
    with serve_data(options.data, "inference", "weights") as address:
        for times in options.times:
            with tempfile.TemporaryDirectory(prefix="zoo-repeated-") as folder:
                _repeat(options.data / "coco", protocol, times, Path(folder))
                for jobs in options.jobs:
                    command = [sys.executable, "-m", "zoo", "validate", options.entry, "--data", folder]
                    ran = run_command(
                        [*command, "--jobs", str(jobs), "--json"], environment | {"ZOO_MIRROR": address}
                    )
                    found = json.loads(ran.out)
                    average = 100 * found["metrics"]["AP"]
                    figures = f"{found['images']} | {found['results']} | {jobs} | {average:.2f}"
                    used = f"{ran.seconds:.1f} | {ran.cpu:.1f} | {ran.peak_mb:.0f}"
                    print(f"| {figures} | {used} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", type=lambda word: Path(word).resolve(), help="holds weights/, inference/, coco/"
    )
    parser.add_argument("--store", type=lambda word: Path(word).absolute(), required=True)
    parser.add_argument("--entry", default="tinypose_128x96")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    return parser.parse_args()


def _repeat(coco: Path, protocol: KeypointProtocol | DetectionProtocol, times: int, folder: Path) -> None:
    """Write a set that contains each image of another set several times."""
    assert protocol.annotations is not None
    document = json.loads((coco / protocol.annotations).read_bytes())
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / protocol.split).mkdir()
    for turn in range(times):
        for image in document["images"]:
            name = f"{turn}-{image['file_name']}"
            (folder / protocol.split / name).symlink_to(coco / protocol.split / image["file_name"])
            images.append(image | {"id": image["id"] * times + turn, "file_name": name})
        for annotation in document["annotations"]:
            own = {"id": annotation["id"] * times + turn, "image_id": annotation["image_id"] * times + turn}
            annotations.append(annotation | own)
    target = folder / protocol.annotations
    target.parent.mkdir()
    target.write_text(json.dumps(document | {"images": images, "annotations": annotations}))


if __name__ == "__main__":
    main()
