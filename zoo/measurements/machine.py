"""The machine on which something was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from registry.schema.base import Model

_CPUINFO = Path("/proc/cpuinfo")


class Machine(Model):
    """A machine.

    Attributes:
        system: Operating system.
        architecture: Processor architecture.
        processor: Name of the processor.
        processors: Number of processors that the process may use.
        python: Version of the running interpreter.
        version: Version of paddle-zoo.
    """

    system: str
    architecture: str
    processor: str
    processors: int
    python: str
    version: str


def this_machine() -> Machine:
    """Describe the machine of this process."""
    affinity = getattr(os, "sched_getaffinity", None)  # not available on every system
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        processor=_processor(),
        processors=len(affinity(0)) if affinity else os.cpu_count() or 1,
        python=platform.python_version(),
        version=metadata.version("paddle-zoo"),
    )


def _processor() -> str:
    """Name of the processor from ``/proc/cpuinfo``, or from Python on other systems."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names[0] if names else platform.processor()) or "unnamed processor"
