"""Fixtures every room uses: where the real data lies, and toolchains built once per run."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.toolchain.pins import LITERT, ONNX2TF, Tool, paddlelite
from registry.errors import MissingToolError
from tests.helpers.paths import REPOSITORY
from zoo.artifacts.formats import OPTIONAL_TOOLS

pytest_plugins = ["tests.helpers.fixtures"]

LARGE_TOOLS = (ONNX2TF, LITERT)
"""Tools that tests use where they are built and never fetch: the first takes 400 MB and minutes a model."""

SMALL_TOOLS = tuple(tool for tool in OPTIONAL_TOOLS if tool not in LARGE_TOOLS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Writes on each test to which table it belongs."""
    for item in items:
        marker = item.get_closest_marker("table")
        if marker is not None:
            item.user_properties.append(("table", marker.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many rows of each table held; ``pytest -m table`` runs nothing else."""
    rows, held = Counter[str](), Counter[str]()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            said = dict(report.user_properties)
            if "table" in said and (report.when == "call" or outcome == "failed"):
                count = int(said.get("rows", 1))
                rows[said["table"]] += count
                held[said["table"]] += count if outcome == "passed" else 0
    if rows:
        terminalreporter.section("tables")
        for table in sorted(rows):
            terminalreporter.line(f"{table:<46}{held[table]:5} of {rows[table]:4} held")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights, models and images beside a checkout; not part of the repository."""
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
def with_large_tools(toolchains: Toolchains) -> Toolchains:
    """Toolchains that have the large tools; skips where nobody has built them, which takes 390 MB."""
    restricted = toolchains.without_building(LARGE_TOOLS)
    for tool in LARGE_TOOLS:
        try:
            restricted.ensure(tool, lambda note: None)
        except MissingToolError:
            pytest.skip(
                f"{tool} is too large to be built for the tests: run zoo toolchain install "
                f"{ONNX2TF.name}@{ONNX2TF.version}, and set ZOO_TEST_TOOLCHAINS to its store's toolchains/"
            )
    return restricted


@pytest.fixture(scope="session")
def lite_python(toolchains: Toolchains) -> Interpreter:
    """A Python that has the default paddlelite."""
    return ensured(toolchains, paddlelite())
