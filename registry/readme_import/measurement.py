"""Reads the conditions of latency measurements from the text around tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from registry.readme_import.cells import normalize

_SNAPDRAGON = re.compile(r"snapdragon[\s-]*(\d{3})|骁龙\s*(\d{3})", re.IGNORECASE)
_THREADS = re.compile(r"(\d+)\s*(?:threads?\b|线程)", re.IGNORECASE)
_ENGINES = ("MKLDNN", "OpenVINO", "NCNN", "Paddle-Inference", "TensorRT")
_TIMING = ("thread", "线程", "latency", "时延", "测试", "inference time")


@dataclass(frozen=True)
class TimingConditions:
    """Conditions of the latencies, as far as the document states them without contradiction.

    Attributes:
        device: Chip of the phone.
        threads: Worker threads.
        architecture: Instruction set the engine was built for.
    """

    device: str | None = None
    threads: int | None = None
    architecture: str | None = None


def parse_timing_conditions(lines: Sequence[str]) -> TimingConditions:
    """Parse the measurement conditions on a phone; None for values that are missing or ambiguous.

    Args:
        lines: Lines of the document.
    """
    stated = [normalize(line) for line in lines if _SNAPDRAGON.search(normalize(line)) and "|" not in line]
    devices = {f"Snapdragon {a or b}" for line in stated for a, b in _SNAPDRAGON.findall(line)}
    threads = {int(count) for line in stated for count in _THREADS.findall(line)}
    flavors = {"arm8" for line in stated if "arm8" in line.lower()}
    return TimingConditions(_single(devices), _single(threads), _single(flavors))


def describe_timing(lines: Sequence[str]) -> tuple[str, ...]:
    """List the engines and threads that lines about timing state, in a comparable form.

    Args:
        lines: Lines of the document.
    """
    found = set()
    for line in lines:
        words = normalize(line)
        lower = words.lower()
        if "|" in line or not any(keyword in lower for keyword in _TIMING):
            continue
        engines = [engine for engine in _ENGINES if engine.lower() in lower]
        threads = [f"{count} threads" for count in _THREADS.findall(words)]
        if engines and threads:
            found.add(", ".join(sorted({*engines, *threads})))
    return tuple(sorted(found))


Value = TypeVar("Value", str, int)


def _single(values: set[Value]) -> Value | None:
    return next(iter(values)) if len(values) == 1 else None
