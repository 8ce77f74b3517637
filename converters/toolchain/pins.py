"""The native tools that this project calls: versions, interpreters, and the reasons for each version.

The versions were tested together on the networks of the catalog (November 2026). Where other versions fail,
the pin has the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.errors import UsageError

LOCK_FILE = Path(__file__).with_name("locks.json")
"""Packages and wheel digests of all environments; see ``locks.py``."""

_PROBES = Path(__file__).parent / "probes"


@dataclass(frozen=True)
class Pin:
    """Required version of a package.

    Attributes:
        package: Distribution name.
        exact: The only version that works; None if others work too.
        below: First major version that does not work; None if there is no such bound.
        why: Reason for the version, as a clause of a message.
        no_deps: Whether it is installed without its declared dependencies, which are not needed here.
    """

    package: str
    exact: str | None = None
    below: int | None = None
    why: str = ""
    no_deps: bool = False

    @property
    def requirement(self) -> str:
        """Requirement specifier for pip."""
        if self.exact is not None:
            return f"{self.package}=={self.exact}"
        return self.package if self.below is None else f"{self.package}<{self.below}"

    def allows(self, version: str) -> bool:
        """Tell whether an installed version is suitable; a local suffix such as ``+cpu`` is ignored."""
        public = version.partition("+")[0]
        if self.exact is not None:
            return public == self.exact
        if self.below is None:
            return True
        major = re.match(r"\d+", public)
        return major is not None and int(major[0]) < self.below


@dataclass(frozen=True)
class Tool:
    """A native tool in one version.

    Attributes:
        name: Short name, used in folder names and messages.
        version: Version of its main package.
        purpose: Short description.
        pins: Packages of its environment, main package first.
        pythons: ``X.Y`` of the CPython versions with wheels, preferred version first.
        machines: Values of ``platform.machine()`` with wheels.
        probe: Worker script that tests an environment by using the tool.
        download_mb: Approximate download size of an environment.
        installed_mb: Approximate size of an environment on disk.
        extra: Extra of this project that installs it into the current environment, if there is one.
        also_in: A larger tool whose environment also contains this one. It is built instead where there is an
            interpreter for it, so that no machine needs both.
        lock: File with the locked packages of its environments.
    """

    name: str
    version: str
    purpose: str
    pins: tuple[Pin, ...]
    pythons: tuple[str, ...]
    machines: tuple[str, ...]
    probe: Path
    download_mb: int
    installed_mb: int
    extra: str | None = None
    also_in: Tool | None = None
    lock: Path = LOCK_FILE

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def family(self) -> Iterator[Tool]:
        """Yield the tools whose environments contain this one, the largest first."""
        if self.also_in is not None:
            yield from self.also_in.family()
        yield self


_PADDLE = Pin(
    "paddlepaddle",
    exact="3.2.2",
    why="3.3 and later can neither write these networks as a legacy program nor run with paddle2onnx, "
    "and only the same version writes the same bytes",
)
# Each imports a package that it does not declare, and that a new environment does not contain.
_UNDECLARED_BY_PADDLE = Pin("setuptools")
_UNDECLARED_BY_PADDLE2ONNX = Pin("packaging")
_UNDECLARED_BY_ONNXRUNTIME = Pin("ml_dtypes")
_PADDLE_MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")

PADDLE2ONNX = Tool(
    name="paddle2onnx",
    version="2.1.0",
    purpose="inference model to ONNX",
    pins=(
        Pin(
            "paddle2onnx",
            exact="2.1.0",
            why="it reads both program formats of paddlepaddle 3.2.2",
        ),
        _PADDLE,
        _UNDECLARED_BY_PADDLE,
        _UNDECLARED_BY_PADDLE2ONNX,
    ),
    pythons=("3.11", "3.12", "3.10"),
    machines=_PADDLE_MACHINES,
    probe=_PROBES / "paddle2onnx.py",
    download_mb=270,
    installed_mb=900,
    extra="convert",
)
ONNXTOOLS = Tool(
    name="onnxtools",
    version="0.1.98",
    purpose="simplifying ONNX, or converting it to FP16",
    pins=(
        Pin("onnxslim", exact="0.1.98", why="only the same version writes the same bytes"),
        Pin("onnxconverter-common", exact="1.16.0", why="only the same version writes the same bytes"),
        Pin("onnx", below=2),
        Pin("onnxruntime", below=2),
    ),
    pythons=("3.11", "3.12", "3.13", "3.10"),
    machines=("x86_64", "aarch64", "arm64", "AMD64"),
    probe=_PROBES / "onnxtools.py",
    download_mb=50,
    installed_mb=250,
)
ONNXQUANT = Tool(
    name="onnxquant",
    version="1.31.1",
    purpose="quantizing ONNX to INT8",
    pins=(
        Pin("onnxruntime", exact="1.31.1", why="only the same version writes the same bytes"),
        Pin("onnx", exact="1.17.0", why="only the same version writes the same bytes"),
        _UNDECLARED_BY_ONNXRUNTIME,
    ),
    pythons=("3.11", "3.12"),
    machines=("x86_64", "aarch64", "arm64", "AMD64"),
    probe=_PROBES / "onnxquant.py",
    download_mb=50,
    installed_mb=250,
)
OPENVINO = Tool(
    name="openvino",
    version="2026.4.1",
    purpose="ONNX to OpenVINO",
    pins=(
        Pin("openvino", exact="2026.4.1", why="only the same version writes the same bytes"),
        Pin("numpy", below=3),
    ),
    pythons=("3.11", "3.12", "3.13", "3.10"),
    machines=("x86_64", "aarch64", "arm64", "AMD64"),
    probe=_PROBES / "openvino.py",
    download_mb=70,
    installed_mb=280,
)
NCNN = Tool(
    name="ncnn",
    version="20261020",
    purpose="ONNX to ncnn, and running it",
    pins=(
        # It declares torch (2 GB), which its Python functions need and its executable does not.
        Pin("pnnx", exact="20261020", why="only the same version writes the same bytes", no_deps=True),
        Pin("ncnn", exact="1.0.20261020", why="it has the layers that pnnx of the same day writes"),
        Pin("onnx", below=2),
        Pin("onnxruntime", below=2),
        Pin("numpy", below=3),
    ),
    pythons=("3.11", "3.12", "3.13", "3.10"),
    machines=("x86_64", "aarch64", "arm64", "AMD64"),
    probe=_PROBES / "ncnn.py",
    download_mb=110,
    installed_mb=330,
)
ONNX2TF = Tool(
    name="onnx2tf",
    version="2.6.9",
    purpose="ONNX to TensorFlow Lite, and running it",
    pins=(
        # It also declares a test runner, OpenCV and exporters that this conversion does not use.
        Pin("onnx2tf", exact="2.6.9", why="only the same version writes the same bytes", no_deps=True),
        # It declares TensorFlow with GPU kernels, which is twice as large.
        Pin("tf_keras", exact="2.21.0", why="it must match the version of TensorFlow", no_deps=True),
        Pin("tensorflow_cpu", exact="2.21.0", why="only the same version writes the same bytes"),
        Pin("ai-edge-litert", exact="2.1.2", why="onnx2tf 2.6.9 is tested with it"),
        Pin("onnx", exact="1.20.1", why="onnx2tf 2.6.9 is tested with it"),
        Pin("onnxruntime", exact="1.26.0", why="onnx2tf 2.6.9 is tested with it"),
        Pin("onnxsim", exact="0.6.5", why="only the same version writes the same bytes"),
        Pin("numpy", exact="2.2.6", why="onnx2tf 2.6.9 is tested with it"),
        Pin("sng4onnx", exact="2.0.1", why="onnx2tf 2.6.9 is tested with it", no_deps=True),
        Pin("psutil"),
        Pin("tqdm"),
    ),
    pythons=("3.12", "3.13"),
    machines=("x86_64", "AMD64"),
    probe=_PROBES / "onnx2tf.py",
    download_mb=390,
    installed_mb=1800,
)
LITERT = Tool(
    name="litert",
    version="2.1.2",
    purpose="running TensorFlow Lite",
    pins=(
        Pin("ai-edge-litert", exact="2.1.2", why="the conversion compares files with this version"),
        Pin("numpy", below=3),
    ),
    pythons=("3.12", "3.11", "3.13", "3.10"),
    machines=("x86_64", "aarch64", "arm64"),
    probe=_PROBES / "litert.py",
    download_mb=40,
    installed_mb=130,
    also_in=ONNX2TF,
)
PADDLE = Tool(
    name="paddle",
    version="3.2.2",
    purpose="weights to inference model, reference predictions",
    pins=(_PADDLE, _UNDECLARED_BY_PADDLE),
    pythons=("3.11", "3.12", "3.13", "3.10"),
    machines=_PADDLE_MACHINES,
    probe=_PROBES / "paddle.py",
    download_mb=230,
    installed_mb=800,
    extra="convert",
    also_in=PADDLE2ONNX,
)

DEFAULT_LITE_VERSION = "2.13rc0"
"""Newest paddlelite with wheels for CPython 3.8 to 3.10; those of 2.14rc0 end at 3.7."""

_UP_TO_37 = ("3.7", "3.6", "3.5")
_LITE_PYTHONS = {
    "2.9.1": _UP_TO_37,
    "2.10": ("3.9", *_UP_TO_37),
    "2.11": _UP_TO_37,
    "2.12": _UP_TO_37,
    "2.13rc0": ("3.10", "3.9", "3.8", *_UP_TO_37),
    "2.14rc0": _UP_TO_37,
}
LITE_VERSIONS = tuple(_LITE_PYTHONS)


def paddlelite(version: str = DEFAULT_LITE_VERSION) -> Tool:
    """Return Paddle-Lite's ``opt`` and predictors in one of the versions that have wheels.

    Raises:
        UsageError: ``unknown-lite-version``.
    """
    if version not in _LITE_PYTHONS:
        raise UsageError(
            "unknown-lite-version",
            f"paddlelite {version} is not available",
            expected=", ".join(LITE_VERSIONS),
            found=version,
            hint=f"--lite-version {DEFAULT_LITE_VERSION}",
        )
    return Tool(
        name="paddlelite",
        version=version,
        purpose="inference model to Paddle-Lite",
        pins=(
            Pin("paddlelite", exact=version, why="a .nb file needs a runtime of the same version"),
            Pin("numpy", below=2, why="paddlelite silently corrupts tensors with numpy 2 and later"),
        ),
        pythons=_LITE_PYTHONS[version],
        machines=("x86_64", "AMD64"),
        probe=_PROBES / "paddlelite.py",
        download_mb=70,
        installed_mb=240,
    )


_OTHERS = (PADDLE2ONNX, PADDLE, ONNXTOOLS, ONNXQUANT, OPENVINO, NCNN, ONNX2TF, LITERT)
ALL_TOOLS = (*map(paddlelite, LITE_VERSIONS), *_OTHERS)


def parse_tool(text: str) -> tuple[Tool, ...]:
    """Return the tools that a user names: ``paddlelite@2.14rc0`` is one, ``paddlelite`` all its versions.

    Raises:
        UsageError: ``unknown-tool``.
    """
    name, _, version = text.partition("@")
    if name == "paddlelite" and version in ("", *LITE_VERSIONS):
        return tuple(paddlelite(each) for each in ([version] if version else LITE_VERSIONS))
    found = tuple(tool for tool in _OTHERS if tool.name == name)
    if found and version in ("", found[0].version):
        return found
    known = [f"paddlelite@{each}" for each in LITE_VERSIONS]
    known += [f"{tool.name}@{tool.version}" for tool in _OTHERS]
    raise UsageError(
        "unknown-tool",
        f"there is no toolchain {text}",
        expected=" or ".join(known),
        found=text,
        hint=f"zoo toolchain install paddlelite@{DEFAULT_LITE_VERSION}",
    )
