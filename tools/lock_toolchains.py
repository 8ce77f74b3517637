"""Writes ``converters/toolchain/locks.json``: every package of every managed environment, with wheel digests.

Usage: ``python tools/lock_toolchains.py [TOOL...]``, for example ``paddlelite@2.13rc0``; without arguments
    all
tools. It needs ``uv`` on ``PATH``, and the newest ``pip`` in the running interpreter for CPython 3.5, which
uv does not resolve for. Both read the package index; nothing is downloaded but metadata. The file names
neither an index nor an address: an environment is installed from the user's own index, and the digests
decide.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tomllib

from converters.toolchain.locks import platform_key
from converters.toolchain.pins import ALL_TOOLS, LOCK_FILE, Tool, parse_tool

# uv's name and pip's tags of each platform: glibc 2.28 is the oldest that current wheels are built for.
PLATFORMS = {
    "linux-x86_64": ("x86_64-manylinux_2_28", ("manylinux1_x86_64", "manylinux2010_x86_64")),
    "linux-aarch64": ("aarch64-manylinux_2_28", ("manylinux2014_aarch64",)),
    "darwin-arm64": ("aarch64-apple-darwin", ()),
    "darwin-x86_64": ("x86_64-apple-darwin", ("macosx_10_9_x86_64", "macosx_10_10_x86_64")),
}
_NO_UV = ("3.5",)
# uv ignores the upper bounds of Requires-Python, which pip enforces.
_CONSTRAINTS = "backports-strenum<1.3; python_version >= '3.11'\n"

Wheels = dict[str, str]
"""Wheel file name to its SHA-256."""

Packages = dict[str, Wheels]
"""``name==version`` to the wheels of one environment."""


def main(names: list[str]) -> None:
    """Resolve the tools and rewrite the file; other tools keep their entries."""
    tools = [tool for name in names for tool in parse_tool(name)] or list(ALL_TOOLS)
    content = json.loads(LOCK_FILE.read_text(encoding="utf-8")) if LOCK_FILE.exists() else {}
    environments = content.get("environments", {})
    wheels = content.get("wheels", {})
    for tool in tools:
        environments[str(tool)] = {}
        for key, packages in resolve_all(tool):
            environments[str(tool)][key] = sorted(packages)
            for package, files in packages.items():
                wheels.setdefault(package, {}).update(files)
    LOCK_FILE.write_text(render(environments, wheels), encoding="utf-8")


def resolve_all(tool: Tool) -> Iterator[tuple[str, Packages]]:
    """Yield ``PYTHON/PLATFORM`` and packages of every environment of a tool that has wheels."""
    keys = {platform_key(system, machine) for system in ("linux", "darwin") for machine in tool.machines}
    for python in tool.pythons:
        for platform in sorted(keys & set(PLATFORMS)):
            try:
                packages = resolve(tool, python, platform)
            except subprocess.CalledProcessError as error:
                reason = error.stderr.strip().splitlines()[-1:] or ["no wheels"]
                print(f"{tool} {python} {platform}: not locked: {reason[0]}", file=sys.stderr)
                continue
            print(f"{tool} {python} {platform}: {len(packages)} packages", file=sys.stderr)
            yield f"{python}/{platform}", packages


def resolve(tool: Tool, python: str, platform: str) -> Packages:
    """Resolve one environment: pins with their dependencies, then the pins that are installed without."""
    run = _pip if python in _NO_UV else _uv
    packages: Packages = {}
    for no_deps in (False, True):
        requirements = [pin.requirement for pin in tool.pins if pin.no_deps is no_deps]
        if requirements:
            packages |= run(requirements, python, platform, no_deps=no_deps)
    return packages


def _uv(requirements: list[str], python: str, platform: str, *, no_deps: bool) -> Packages:
    command = ["uv", "pip", "compile", "-", "--format", "pylock.toml", "--only-binary", ":all:"]
    command += ["--no-header", "--no-config", "--no-python-downloads", "--python-version", python]
    command += ["--python-platform", PLATFORMS[platform][0], *(["--no-deps"] if no_deps else [])]
    text = "".join(f"{requirement}\n" for requirement in requirements)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text(_CONSTRAINTS, encoding="utf-8")
        command += ["--constraint", str(constraints)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return {
        f"{package['name']}=={package['version']}": {
            _file_name(wheel): wheel["hashes"]["sha256"] for wheel in package["wheels"]
        }
        for package in tomllib.loads(done.stdout)["packages"]
    }


def _file_name(wheel: dict[str, str]) -> str:
    return wheel.get("name") or wheel["url"].rpartition("/")[2].partition("#")[0]


def _pip(requirements: list[str], python: str, platform: str, *, no_deps: bool) -> Packages:
    # pip evaluates markers for the running interpreter, so only the pins themselves are resolved.
    digits = python.replace(".", "")
    tags = PLATFORMS[platform][1]
    if not tags:
        raise subprocess.CalledProcessError(1, "pip", stderr=f"CPython {python} has no wheels there")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
        command += ["--report", str(report), "--target", folder, "--only-binary", ":all:", "--quiet"]
        command += ["--python-version", python, "--implementation", "cp", "--abi", f"cp{digits}m"]
        command += [part for tag in tags for part in ("--platform", tag)]
        env = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run([*command, *requirements], capture_output=True, text=True, check=True, env=env)
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {
        f"{each['metadata']['name'].lower()}=={each['metadata']['version']}": {
            each["download_info"]["url"].rpartition("/")[2]: each["download_info"]["archive_info"]["hashes"][
                "sha256"
            ]
        }
        for each in installs
    }


def render(environments: dict[str, dict[str, list[str]]], wheels: Packages) -> str:
    """Format the file with one line per environment and per package, so that a diff is readable."""
    rows = []
    for name in sorted(environments):
        lines = [f'   "{key}": {json.dumps(environments[name][key])}' for key in sorted(environments[name])]
        rows.append(f'  "{name}": {{\n' + ",\n".join(lines) + "\n  }")
    used = {package for lists in environments.values() for names in lists.values() for package in names}
    files = [
        f'  "{package}": {json.dumps(dict(sorted(wheels[package].items())))}' for package in sorted(used)
    ]
    parts = '{"environments": {\n' + ",\n".join(rows) + '\n },\n "wheels": {\n' + ",\n".join(files)
    return parts + "\n }\n}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
