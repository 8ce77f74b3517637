"""Fixtures every room uses: where the real data lies, and toolchains built once per run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
