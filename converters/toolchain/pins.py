"""The native tools this project calls: which versions, for which interpreters, and why just these.

The versions were tried together on the networks of the catalog (November 2026). Where a neighbor of a
version fails, the pin says how.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.errors import UsageError

_PROBES = Path(__file__).parent / "probes"


@dataclass(frozen=True)
class Pin:
    """Which version of a package a tool needs.

    Attributes:
        package: Distribution name.
        exact: The one version; None when others will do too.
        below: First major version that will not do; None when there is no such bound.
        why: What goes wrong with others, as the end of a sentence.
        alone: Whether it is installed without the packages it declares, of which nothing here needs any.
    """

    package: str
    exact: str | None = None
    below: int | None = None
    why: str = ""
    alone: bool = False

    @property
    def requirement(self) -> str:
        """As pip reads it."""
        if self.exact is not None:
            return f"{self.package}=={self.exact}"
        return self.package if self.below is None else f"{self.package}<{self.below}"

    def allows(self, version: str) -> bool:
        """Whether an installed version will do; a local suffix such as ``+cpu`` does not matter."""
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
        purpose: What it is for, a few words.
        pins: Packages its environment is made of, main package first.
        pythons: ``X.Y`` of the CPython versions its wheels exist for, the one to prefer first.
        machines: Values of ``platform.machine()`` its wheels exist for.
        probe: Worker script that proves an environment by using the tool.
        download_mb: What building an environment fetches, roughly.
        installed_mb: What the environment takes on disk, roughly.
        extra: Extra of this project that installs it into the current environment, if there is one.
        also_in: A larger tool whose environment serves this one as well; it is built instead of this
            one where there is an interpreter for it, so that no machine needs both.
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

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def family(self) -> Iterator[Tool]:
        """The tools whose environments serve this one, the largest first."""
        if self.also_in is not None:
            yield from self.also_in.family()
        yield self


_PADDLE = Pin(
    "paddlepaddle",
    exact="3.2.2",
    why="3.3 and later can neither write the legacy program of these networks nor feed paddle2onnx, "
    "and bytes are only the same with the same version",
)
# Each imports a package it does not declare; a fresh environment has none of them.
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
            why="it is the one that reads both program formats of paddlepaddle 3.2.2",
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
    purpose="ONNX simplified, or in half precision",
    pins=(
        Pin("onnxslim", exact="0.1.98", why="bytes are only the same with the same version"),
        Pin("onnxconverter-common", exact="1.16.0", why="bytes are only the same with the same version"),
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
    purpose="ONNX in eight bits",
    pins=(
        Pin("onnxruntime", exact="1.31.1", why="bytes are only the same with the same version"),
        Pin("onnx", exact="1.17.0", why="bytes are only the same with the same version"),
        _UNDECLARED_BY_ONNXRUNTIME,
    ),
    pythons=("3.11", "3.12", "3.13"),
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
        Pin("openvino", exact="2026.4.1", why="bytes are only the same with the same version"),
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
        # What it declares is torch, 2 GB: for its Python functions, while the program in it needs nothing.
        Pin("pnnx", exact="20261020", why="bytes are only the same with the same version", alone=True),
        Pin("ncnn", exact="1.0.20261020", why="it has the layers that pnnx of that day writes"),
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
        # What it declares is also a test runner, OpenCV and exporters that this way does not take.
        Pin("onnx2tf", exact="2.6.9", why="bytes are only the same with the same version", alone=True),
        # What it declares is TensorFlow with kernels for graphics cards, twice the size.
        Pin("tf_keras", exact="2.21.0", why="it belongs to the version of TensorFlow", alone=True),
        Pin("tensorflow_cpu", exact="2.21.0", why="bytes are only the same with the same version"),
        Pin("ai-edge-litert", exact="2.1.2", why="it is the one onnx2tf 2.6.9 goes with"),
        Pin("onnx", exact="1.20.1", why="it is the one onnx2tf 2.6.9 goes with"),
        Pin("onnxruntime", exact="1.26.0", why="it is the one onnx2tf 2.6.9 goes with"),
        Pin("onnxsim", exact="0.6.5", why="bytes are only the same with the same version"),
        Pin("numpy", exact="2.2.6", why="it is the one onnx2tf 2.6.9 goes with"),
        Pin("sng4onnx", exact="2.0.1", why="it is the one onnx2tf 2.6.9 goes with", alone=True),
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
        Pin("ai-edge-litert", exact="2.1.2", why="it is the one files are compared with when they are made"),
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
"""Newest paddlelite with wheels for CPython 3.8 to 3.10; 2.14rc0 stops at 3.7."""

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
    """Paddle-Lite's ``opt`` and predictors in one of the versions that have wheels.

    Raises:
        UsageError: No such version, or none with wheels we know.
    """
    if version not in _LITE_PYTHONS:
        raise UsageError(
            "unknown-lite-version",
            f"there is no paddlelite {version} to convert with",
            expected=", ".join(LITE_VERSIONS),
            found=version,
            hint=f"--lite-version {DEFAULT_LITE_VERSION}",
        )
    return Tool(
        name="paddlelite",
        version=version,
        purpose="inference model to Paddle-Lite",
        pins=(
            Pin("paddlelite", exact=version, why="a .nb file belongs to the version that made it"),
            Pin("numpy", below=2, why="paddlelite silently corrupts tensors beside numpy 2 and later"),
        ),
        pythons=_LITE_PYTHONS[version],
        machines=("x86_64", "AMD64"),
        probe=_PROBES / "paddlelite.py",
        download_mb=70,
        installed_mb=240,
    )


_OTHERS = (PADDLE2ONNX, PADDLE, ONNXTOOLS, ONNXQUANT, OPENVINO, NCNN, ONNX2TF, LITERT)


def parse_tool(text: str) -> tuple[Tool, ...]:
    """The tools a user names: ``paddlelite@2.14rc0`` is one, ``paddlelite`` all of its versions.

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
