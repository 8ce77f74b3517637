"""A local package index, and helpers for the tests of toolchains."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.locks import platform_key
from converters.toolchain.pins import Tool
from registry.errors import MissingToolError, ZooError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINES = (os.uname().machine,)


class Notes(list[str]):
    """Records the notes for the user."""

    def __call__(self, text: str) -> None:
        self.append(text)


def know_only_wheels(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def use_only_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_RETRIES", "1")


def refusal(toolchains: Toolchains, tool: Tool, kind: type[ZooError] = MissingToolError) -> ZooError:
    with pytest.raises(kind) as caught:
        toolchains.ensure(tool, Notes())
    assert caught.value.exit_code == kind.exit_code
    assert caught.value.hint
    return caught.value


def installed_here() -> set[tuple[str, str]]:
    return {(found.name, found.version) for found in importlib.metadata.distributions()}


def run(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def put(folder: Path, name: str, version: str, code: str) -> None:
    """Write a package as pip installs it."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    code: str,
    *,
    needs: str = "",
    extra: Mapping[str, str] | None = None,
) -> Path:
    """The smallest wheel pip accepts (https://packaging.python.org/specifications/binary-distribution-format)."""
    info = f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        f"{name}.py": code,
        **(extra or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(text.encode())}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return wheel


def lock_wheels(path: Path, *wheels: Path, tools: Sequence[str] = ("zootool 1.0", "zoosmaller 1.0")) -> Path:
    """Write a lock that contains these wheels, for the running interpreter; return its path."""
    locked = {
        "==".join(wheel.name.split("-")[:2]): {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest()}
        for wheel in wheels
    }
    key = f"{HERE}/{platform_key(sys.platform, MACHINES[0])}"
    content = {"environments": {tool: {key: sorted(locked)} for tool in tools}, "wheels": locked}
    path.write_text(json.dumps(content))
    return path
