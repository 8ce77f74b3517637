"""Measure the time of `zoo list` from process start, also with a catalog of 5,000 entries.

Run: python benchmarks/listing.py [--runs 15] [--entries 5000] [--hf PATH] [--json]

Every run is a new process. The programs take turns so that other load on the machine affects all of them. A
figure is the fastest of the runs, and a ratio is relative to the bare interpreter. ``--hf`` names the ``hf``
program of an environment with huggingface_hub.
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

import yaml

import registry

BARE_TYPER = """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "you", times: int = 1) -> None:
    for _ in range(times):
        print("hello", name)
@app.command()
def bye(name: str = "you") -> None:
    print("bye", name)
app(["hello"])
"""
PYDANTIC = """
from pydantic import BaseModel
class Model(BaseModel):
    name: str
    value: float = 0.0
Model(name="a")
"""
A_FILE = 250
"""Entries per file: the number of values in one document is limited against alias bombs."""


def many(folder: Path, count: int) -> None:
    """Write a catalog of copies of the shipped entries under other names."""
    documents = [
        yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(registry.SHIPPED.glob("*.yaml"))
    ]
    entries = [entry for document in documents for entry in document["entries"]]
    made = [
        entry | {"name": f"{entry['name']}_{number}", "default": True}
        for number, entry in ((number, entries[number % len(entries)]) for number in range(count))
    ]
    for start in range(0, count, A_FILE):
        document = {"schema": 1, "namespace": "many", "entries": made[start : start + A_FILE]}
        # JSON is YAML, and much faster to write.
        (folder / f"part_{start:05}.yaml").write_text(json.dumps(document), encoding="utf-8")


def fastest(programs: dict[str, list[str]], runs: int, environment: dict[str, str]) -> dict[str, float]:
    """Measure the fastest run of each program, in seconds."""
    found = dict.fromkeys(programs, float("inf"))
    for _ in range(runs):
        for name, command in programs.items():
            start = time.perf_counter()
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            found[name] = min(found[name], time.perf_counter() - start)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--entries", type=int, default=5000)
    parser.add_argument("--hf", help="the hf program of huggingface_hub, to compare with")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    zoo = [sys.executable, "-m", "zoo", "list"]
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large"
        large.mkdir()
        many(large, options.entries)
        programs = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import pydantic, one model": [sys.executable, "-c", PYDANTIC],
            "bare typer program": [sys.executable, "-c", BARE_TYPER],
            "zoo list": zoo,
            f"zoo list, {options.entries} entries more": ["env", f"ZOO_CATALOG={large}", *zoo],
        }
        if options.hf:
            programs["hf version"] = [options.hf, "version"]
        environment = {**os.environ, "ZOO_CACHE": f"{folder}/cache"}
        fastest(programs, 1, environment)  # warm-up: page cache, bytecode, and the index
        found = fastest(programs, options.runs, environment)
    floor = found["python -c pass"]
    rows = [{"program": name, "seconds": found[name], "ratio": found[name] / floor} for name in programs]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['program']:32} {row['seconds'] * 1000:7.1f} ms  {row['ratio']:5.1f}x")


if __name__ == "__main__":
    main()
