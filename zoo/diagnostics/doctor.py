"""Diagnoses this machine: packages, toolchains and the cache, with a hint for each that is missing."""

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
from zoo._utils.cache_root import check_cache
from zoo.diagnostics.connectivity import HostCheck
from zoo.diagnostics.lite_versions import LiteVersion, check_lite_versions
from zoo.settings import Settings

LIGHT = ("filelock", "platformdirs", "pydantic", "PyYAML", "requests", "typer", "urllib3")
EXTRAS = {
    "run": ("numpy", "onnxruntime", "opencv-python-headless", "hotcoco"),
    "convert": ("numpy", "paddlepaddle", "paddle2onnx", "safetensors"),
    "report": ("Jinja2",),
    "arm-fp16": ("numba", "numpy"),
}
MIN_FREE_BYTES = 2_000_000_000
"""Building both toolchains takes about 1.2 GB, and a cache of all seed artifacts well under 0.1 GB."""


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
    """One kind of conversion and its state on this machine.

    Attributes:
        name: Source and target format.
        state: ``works``; ``on-first-use``: its toolchain is built on first use; ``missing``.
        tool: Tool and pinned version.
        interpreter: Interpreter that runs it, or that its toolchain would be built from.
        python: Version of that interpreter.
        packages: Versions installed in it.
        reason: Why the running interpreter cannot do it; None when it can.
        hint: What to type to install it; None when it works.
    """

    name: str
    state: Literal["works", "on-first-use", "missing"]
    tool: str
    interpreter: Path | None
    python: str | None
    packages: dict[str, str]
    reason: str | None
    hint: str | None


class CacheFolder(Model):
    """The cache folder.

    Attributes:
        path: Its path; it may not exist yet.
        writable: Whether files can be created there.
        free: Bytes free on its disk.
        problem: Why it cannot be used; None when it can.
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
        cache: The cache folder.
        mirror: Whether a mirror is set; its address may hold a secret and is not repeated.
        offline: Whether connections are forbidden.
        conversions: The conversions.
        python_problem: Why the interpreter that ``ZOO_PYTHON`` names cannot be used; None when it can.
        lite_versions: Every supported version of Paddle-Lite.
        hosts: The checked sources of files; None when they were not checked.
    """

    version: str
    python: str
    executable: Path
    machine: str
    packages: tuple[Package, ...]
    cache: CacheFolder
    mirror: bool
    offline: bool
    conversions: tuple[Conversion, ...]
    python_problem: str | None
    lite_versions: tuple[LiteVersion, ...]
    hosts: tuple[HostCheck, ...] | None = None


def collect_diagnosis(
    settings: Settings, toolchains: Toolchains, hosts: tuple[HostCheck, ...] | None = None
) -> Diagnosis:
    """Diagnose this machine without changing it and without opening a connection.

    Args:
        settings: The user's settings.
        toolchains: The toolchains.
        hosts: Results of checking the sources of files.
    """
    error = toolchains.configured_interpreter_error()
    return Diagnosis(
        version=metadata.version("paddle-zoo"),
        python=platform.python_version(),
        executable=Path(sys.executable),
        machine=f"{platform.system()} {platform.machine()}",
        packages=_packages(),
        cache=_cache_folder(settings.cache),
        mirror=bool(settings.mirrors),
        offline=settings.offline,
        conversions=(
            _conversion("weights → inference model", PADDLE, toolchains),
            _conversion("inference model → ONNX", PADDLE2ONNX, toolchains),
            _conversion("ONNX → FP16 or simplified ONNX", ONNXTOOLS, toolchains),
            _conversion("ONNX → quantized ONNX", ONNXQUANT, toolchains),
            _conversion("ONNX → OpenVINO", OPENVINO, toolchains),
            _conversion("ONNX → ncnn", NCNN, toolchains),
            _conversion("ONNX → TensorFlow Lite", ONNX2TF, toolchains),
            _conversion("inference model → Paddle-Lite", paddlelite(), toolchains),
        ),
        python_problem=f"{error.message}: {error.found}" if error else None,
        lite_versions=check_lite_versions(toolchains),
        hosts=hosts,
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


def _cache_folder(cache: Path) -> CacheFolder:
    # Unlike Path.exists, this is False for a path without permission, or with too long a name.
    existing = next(folder for folder in (cache, *cache.parents) if os.path.exists(folder))
    free = shutil.disk_usage(existing).free
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    problem = None
    if (error := _path_error(cache)) is not None:
        writable, problem = False, f"{cache} cannot be used: {error}: set ZOO_CACHE to another folder"
    elif not writable:
        problem = f"{existing} is not writable: set ZOO_CACHE to another folder"
    elif free < MIN_FREE_BYTES:
        problem = (
            f"only {free / 1e9:.1f} GB free: building toolchains takes about {MIN_FREE_BYTES / 1e9:.0f} GB"
        )
    return CacheFolder(path=cache, writable=writable, free=free, problem=problem or _refusal(cache))


def _refusal(cache: Path) -> str | None:
    """Why a folder is not used as a cache: it holds other files, or belongs to another user."""
    try:
        check_cache(cache)
    except ZooError as error:
        return f"{error.message}: {error.hint}"
    except OSError:
        return None  # reported by the checks of the path
    return None


def _path_error(cache: Path) -> str | None:
    """Why the folder can neither exist nor be created; None when it can."""
    try:
        cache.stat()
    except FileNotFoundError:
        return "it is a broken symbolic link" if cache.is_symlink() else None
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
        # An unusable cache: report it in this row and continue with the others.
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
