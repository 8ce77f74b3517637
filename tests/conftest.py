"""Fixtures every room uses: where the real data lies, and toolchains built once per run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converters.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.tools import Tool, paddlelite
from registry.errors import MissingToolError

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights, models and photos beside a checkout; not part of the repository."""
    folder = Path(os.environ.get("ZOO_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data" / "README.md").is_file():
        pytest.skip(f"real data not found at {folder}: set ZOO_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def toolchain_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for managed toolchains, shared by all workers of this run, so each is built once."""
    configured = os.environ.get("ZOO_TEST_TOOLCHAINS")
    if configured:
        return Path(configured)
    return tmp_path_factory.getbasetemp().parent / "toolchains"


@pytest.fixture(scope="session")
def toolchains(toolchain_root: Path) -> Toolchains:
    """Where tests find or build the tools' environments."""
    return Toolchains(toolchain_root)


def ensured(toolchains: Toolchains, tool: Tool) -> Interpreter:
    """An interpreter for a tool; skips with the tool's own words where it cannot be had."""
    try:
        return toolchains.ensure(tool, lambda note: None)
    except MissingToolError as error:
        pytest.skip(f"{tool} cannot be had here: {error.message}; {error.found or error.hint}")


@pytest.fixture(scope="session")
def lite_python(toolchains: Toolchains) -> Interpreter:
    """A Python that has the default paddlelite."""
    return ensured(toolchains, paddlelite())
