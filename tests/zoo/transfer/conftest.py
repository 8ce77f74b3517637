"""The shipped sample entry with a folder as the upstream host: real files, real checks, no network."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import registry
from zoo.sample import CATALOG, DATA, NAME
from zoo.settings import Settings


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample's files under the paths of their addresses."""
    folder = tmp_path_factory.mktemp("upstream")
    for artifact in registry.load(CATALOG).get(NAME).artifacts:
        target = folder / urlsplit(artifact.urls[0]).path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(DATA / target.name, target)
    return folder


@pytest.fixture(scope="session")
def paths(upstream: Path) -> list[str]:
    """The sample's files, relative to a mirror."""
    return sorted(str(file.relative_to(upstream)) for file in upstream.rglob("*") if file.is_file())


@pytest.fixture
def settings(tmp_path: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with an empty store and an empty project folder."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return Settings(cache=tmp_path / "cache", mirrors=(str(upstream),), catalogs=(str(CATALOG),))
