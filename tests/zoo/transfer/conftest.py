"""The shipped sample entry with a folder as the upstream host: real files, real checks, no network."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import registry
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX
from tests.conftest import ensured
from tests.helpers.bundle_parts import REQUEST, Parts
from zoo._utils.cache_root import claim_cache
from zoo.api.transfer import bundle
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


@pytest.fixture(scope="session")
def made(
    tmp_path_factory: pytest.TempPathFactory, upstream: Path, toolchains: Toolchains, toolchain_root: Path
) -> Path:
    """A bundle with the checkpoint, the inference model and what was converted from it."""
    ensured(toolchains, PADDLE2ONNX)
    folder = tmp_path_factory.mktemp("bundle")
    claim_cache(folder / "cache")
    (folder / "cache/toolchains").symlink_to(toolchain_root)
    settings = Settings(cache=folder / "cache", mirrors=(str(upstream),), catalogs=(str(CATALOG),))
    first = bundle([NAME], REQUEST, out=folder / "sample.zoo", settings=settings)
    second = bundle([NAME], REQUEST, out=folder / "again.zoo", settings=settings)
    assert first.path.read_bytes() == second.path.read_bytes(), "equal content, equal bytes"
    assert first.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    return first.path


@pytest.fixture
def offline_settings(settings: Settings) -> Settings:
    """Settings of an offline machine: no mirror, no network."""
    return replace(settings, mirrors=(), offline=True)


@pytest.fixture
def parts(made: Path) -> Parts:
    with tarfile.open(made) as archive:
        return Parts({m.name: archive.extractfile(m).read() for m in archive})  # type: ignore[union-attr]
