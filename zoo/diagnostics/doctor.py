"""What works on this machine and why: packages, toolchains, the store, and what to type to get the rest."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from converters.toolchain import Toolchains, ToolStatus
from converters.toolchain.pins import (
    NCNN,
    ONNX2TF,
    ONNXQUANT,
    ONNXTOOLS,
    OPENVINO,
    PADDLE,
    PADDLE2ONNX,
    Tool,
    paddlelite,
)
from registry.errors import ZooError
from registry.schema.base import Model
from zoo.diagnostics.connectivity import HostCheck
from zoo.diagnostics.lite_versions import LiteVersion, lite_matrix
from zoo.settings import Settings

LIGHT = ("filelock", "platformdirs", "pydantic", "PyYAML", "requests", "typer", "urllib3")
EXTRAS = {
    "run": ("numpy", "onnxruntime", "opencv-python-headless", "faster-coco-eval"),
    "convert": ("numpy", "paddlepaddle", "paddle2onnx", "safetensors"),
    "report": ("Jinja2",),
    "arm-fp16": ("numba", "numpy"),
}
LEAST_FREE = 2_000_000_000
"""Bytes; building both toolchains takes about 1.2 GB, and a store of all seed artifacts well under 0.1 GB."""


class Package(Model):
    """An installed or missing distribution.

    Attributes:
        name: Distribution name.
        version: Installed version; None when it is missing.
        extra: Extra that installs it; None for the light install.
    """

    name: str
    version: str | None
    extra: str | None


class Conversion(Model):
    """One kind of conversion and whether it works here.

    Attributes:
        name: What becomes what.
        state: ``works``; ``on-first-use``: its toolchain is built when it is needed; ``missing``.
        tool: Tool and pinned version.
        interpreter: Interpreter that does it or would be built on.
        python: Version of that interpreter.
        packages: Versions found in it.
        reason: Why the running interpreter does not do it; None when it does.
        hint: What to type to get it; None when it works.
    """

    name: str
    state: Literal["works", "on-first-use", "missing"]
    tool: str
    interpreter: Path | None
    python: str | None
    packages: dict[str, str]
    reason: str | None
    hint: str | None


class Place(Model):
    """The store's folder.

    Attributes:
        path: Where it is or would be.
        writable: Whether files can be made there.
        free: Bytes free on its disk.
        problem: What is wrong with it, in words; None when nothing is.
    """

    path: Path
    writable: bool
    free: int
    problem: str | None


class Diagnosis(Model):
    """Everything ``zoo doctor`` found.

    Attributes:
        version: Version of paddle-zoo.
        python: Version of the running interpreter.
        executable: The running interpreter.
        machine: Operating system and processor.
        packages: Distributions of the light install and of the extras.
        store: The store's folder.
        mirror: Whether a mirror is set; its address may hold a secret and is not repeated.
        offline: Whether connections are forbidden.
        conversions: The conversions.
        named: What is wrong with the interpreter that ``ZOO_PYTHON`` names; None when nothing is.
        lite: Every version of Paddle-Lite that can be asked for.
        net: The places that files are fetched from; None when they were not asked.
    """

    version: str
    python: str
    executable: Path
    machine: str
    packages: tuple[Package, ...]
    store: Place
    mirror: bool
    offline: bool
    conversions: tuple[Conversion, ...]
    named: str | None
    lite: tuple[LiteVersion, ...]
    net: tuple[HostCheck, ...] | None = None


def examine(
    settings: Settings, toolchains: Toolchains, net: tuple[HostCheck, ...] | None = None
) -> Diagnosis:
    """Looks at this machine without changing it, and without asking any server.

    Args:
        settings: The user's settings.
        toolchains: Where tools are looked for.
        net: What the places that files are fetched from answered.
    """
    trouble = toolchains.configured_interpreter_error()
    return Diagnosis(
        version=metadata.version("paddle-zoo"),
        python=platform.python_version(),
        executable=Path(sys.executable),
        machine=f"{platform.system()} {platform.machine()}",
        packages=_packages(),
        store=_place(settings.cache),
        mirror=bool(settings.mirrors),
        offline=settings.offline,
        conversions=(
            _conversion("weights → inference model", PADDLE, toolchains),
            _conversion("inference model → ONNX", PADDLE2ONNX, toolchains),
            _conversion("ONNX → half or simpler ONNX", ONNXTOOLS, toolchains),
            _conversion("ONNX → ONNX in eight bits", ONNXQUANT, toolchains),
            _conversion("ONNX → OpenVINO", OPENVINO, toolchains),
            _conversion("ONNX → ncnn", NCNN, toolchains),
            _conversion("ONNX → TensorFlow Lite", ONNX2TF, toolchains),
            _conversion("inference model → Paddle-Lite", paddlelite(), toolchains),
        ),
        named=f"{trouble.message}: {trouble.found}" if trouble else None,
        lite=lite_matrix(toolchains),
        net=net,
    )


def _packages() -> tuple[Package, ...]:
    wanted: list[tuple[str, str | None]] = [(name, None) for name in LIGHT]
    wanted += [(name, extra) for extra, names in EXTRAS.items() for name in names]
    return tuple(Package(name=name, version=_installed(name), extra=extra) for name, extra in wanted)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _place(cache: Path) -> Place:
    # Unlike Path.exists, this takes what may not be looked at, or has too long a name, for missing.
    existing = next(folder for folder in (cache, *cache.parents) if os.path.exists(folder))
    free = shutil.disk_usage(existing).free
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    problem = None
    if (blocked := _blocked(cache)) is not None:
        writable, problem = False, f"{cache} cannot be used: {blocked}: set ZOO_CACHE to a folder that can"
    elif not writable:
        problem = f"{existing} cannot be written to: set ZOO_CACHE to a folder that can"
    elif free < LEAST_FREE:
        problem = f"only {free / 1e9:.1f} GB free: building toolchains takes about {LEAST_FREE / 1e9:.0f} GB"
    return Place(path=cache, writable=writable, free=free, problem=problem)


def _blocked(cache: Path) -> str | None:
    """Why nothing can ever lie there; None when something does, or may."""
    try:
        cache.stat()
    except FileNotFoundError:
        return "it is a link to nothing" if cache.is_symlink() else None
    except OSError as error:
        return error.strerror
    return None


_STATES: dict[str, Literal["works", "on-first-use", "missing"]] = {
    "current": "works",
    "managed": "works",
    "buildable": "on-first-use",
    "missing": "missing",
}


def _conversion(name: str, tool: Tool, toolchains: Toolchains) -> Conversion:
    try:
        status: ToolStatus = toolchains.status(tool)
    except ZooError as error:
        # A store that cannot be used: it spoils this row, not the rest of what there is to say.
        status = ToolStatus(tool, "missing", None, None, {}, error.message, error.hint)
    return Conversion(
        name=name,
        state=_STATES[status.state],
        tool=str(tool),
        interpreter=status.interpreter,
        python=status.python,
        packages=status.packages,
        reason=status.reason,
        hint=status.hint,
    )
