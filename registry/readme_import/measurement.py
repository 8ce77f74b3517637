"""What the prose around tables says about how times were taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from registry.readme_import.cells import plain

_SNAPDRAGON = re.compile(r"snapdragon[\s-]*(\d{3})|骁龙\s*(\d{3})", re.IGNORECASE)
_THREADS = re.compile(r"(\d+)\s*(?:threads?\b|线程)", re.IGNORECASE)
_ENGINES = ("MKLDNN", "OpenVINO", "NCNN", "Paddle-Inference", "TensorRT")
_TIMING = ("thread", "线程", "latency", "时延", "测试", "inference time")


@dataclass(frozen=True)
class Conditions:
    """How times were taken, as far as one thing is said.

    Attributes:
        device: The phone's chip.
        threads: Worker threads.
        architecture: Build flavor of the engine.
    """

    device: str | None = None
    threads: int | None = None
    architecture: str | None = None


def conditions(lines: Sequence[str]) -> Conditions:
    """The conditions a document states for its phone; None for what it states in several ways, or not.

    Args:
        lines: The document.
    """
    said = [plain(line) for line in lines if _SNAPDRAGON.search(plain(line)) and "|" not in line]
    devices = {f"Snapdragon {a or b}" for line in said for a, b in _SNAPDRAGON.findall(line)}
    threads = {int(count) for line in said for count in _THREADS.findall(line)}
    flavors = {"arm8" for line in said if "arm8" in line.lower()}
    return Conditions(_one(devices), _one(threads), _one(flavors))


def statements(lines: Sequence[str]) -> tuple[str, ...]:
    """What lines about timing say about processors, engines and threads, in words that can be compared.

    Args:
        lines: The document.
    """
    found = set()
    for line in lines:
        words = plain(line)
        low = words.lower()
        if "|" in line or not any(sign in low for sign in _TIMING):
            continue
        engines = [engine for engine in _ENGINES if engine.lower() in low]
        threads = [f"{count} threads" for count in _THREADS.findall(words)]
        if engines and threads:
            found.add(", ".join(sorted({*engines, *threads})))
    return tuple(sorted(found))


Value = TypeVar("Value", str, int)


def _one(values: set[Value]) -> Value | None:
    return next(iter(values)) if len(values) == 1 else None
