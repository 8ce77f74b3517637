"""A key pair, and a file and a folder to sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.keys import write_keys


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return write_keys(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.zoo"
    path.write_bytes(b"a model" * 100)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    (path / "sub").mkdir(parents=True)
    (path / "a.pdmodel").write_bytes(b"a")
    (path / "sub/b.pdiparams").write_bytes(b"b")
    return path
