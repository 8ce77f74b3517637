"""Command line of the fuzzer: ``python -m tests.fuzz [--seconds N] [--only TEXT]``."""

# ruff: noqa: T201  a program for the command line

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.fuzz import worker
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import Report

_IN_MEMORY = "/dev/shm"
STALL_SECONDS = 60.0
"""Time without a new input after which a parser counts as stuck outside of Python code."""

LINE = "{:<34}{:>9}{:>9}{:>9}{:>10}"


def main() -> int:
    """Fuzz the parsers and print one line for each; return 1 when something escaped."""
    options = parse_arguments()
    names = [name for name in TARGETS if options.only in name]
    if options.worker:
        worker.main(options.worker, options.seconds, options.seed, options.folder)
        return 0
    run = partial(fuzz, seconds=options.seconds, first_seed=options.seed)
    print(LINE.format("parser", "inputs", "typed", "escapes", "slowest"))
    reports = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for report in pool.map(run, names):
            reports.append(report)
            slowest = f"{report.slowest:.2f} s"
            print(
                LINE.format(report.name, report.tried, report.typed, len(report.escapes), slowest), flush=True
            )
    escapes = [(report.name, *item) for report in reports for item in report.escapes.items()]
    for name, escape, content in escapes:
        shown = content if len(content) <= 2000 else f"{content[:2000]}… ({len(content) // 2} bytes)"
        print(f"\n{name}: {escape}\n  input: {shown}")
    tried = sum(report.tried for report in reports)
    print(f"\n{tried} inputs, {len(escapes)} escapes")
    return 1 if escapes else 0


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzz every parser of untrusted input."
    )
    parser.add_argument("--seconds", type=float, default=10, help="time for each parser")
    parser.add_argument("--only", default="", help="only parsers whose name contains this text")
    parser.add_argument("--seed", type=int, default=0, help="number of the first input")
    parser.add_argument("--jobs", type=int, default=1, help="parsers at a time")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def fuzz(name: str, *, seconds: float, first_seed: int) -> Report:
    """Fuzz one parser in a child process; a crash or a stall of the child is an escape."""
    with tempfile.TemporaryDirectory(dir=_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None) as folder:
        command = [sys.executable, "-m", "tests.fuzz", "--worker", name, "--folder", folder]
        command += ["--seconds", str(seconds), "--seed", str(first_seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            stalled = wait(child, Path(folder, "input"))
            out, err = child.communicate()
        if child.returncode == 0:
            return Report(**json.loads(out))
        content = Path(folder, "input").read_bytes() if Path(folder, "input").is_file() else b""
        reason = "no progress" if stalled else f"exit status {child.returncode}: {err[-500:].strip()}"
        return Report(name, escapes={reason: content.hex()})


def wait(child: subprocess.Popen[str], current: Path) -> bool:
    """Wait for a child; kill it and return True when it starts no new input for too long."""
    started = time.time()
    while True:
        try:
            child.wait(1)
            return False
        except subprocess.TimeoutExpired:
            changed = current.stat().st_mtime if current.is_file() else started
            if time.time() - max(changed, started) > STALL_SECONDS:
                child.kill()
                return True


if __name__ == "__main__":
    sys.exit(main())
