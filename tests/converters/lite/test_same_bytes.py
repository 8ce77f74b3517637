"""Equal input, version and options give equal bytes: from any folder, in any build of the toolchain."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from converters.lite import LiteOptions, run_lite_job
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from tests.conftest import ensured

GOLDEN = {
    "tinypose_128x96": "7e1c53ef8024f754a67bcc5e106740fa664773f4275dac3a1c9d701b67d2fea2",
    "picodet_s_192_pedestrian": "92f8973c3ead26353873f50356d7ba5c4b84b36f9e4cbb026fe21759b9608d13",
}
"""Canonical digests of the FP16 files of 2.14rc0 that were run on real ARM kernels (data/reference/arm)."""

LONG = "a folder whose name is so long that it moves things in memory " * 2


def digest(model: Path, out: Path, work: Path, toolchains: Toolchains, options: LiteOptions) -> str:
    made = run_lite_job(model, out, options, toolchains=toolchains, work=work, note=lambda text: None)
    assert made.sha256 == made.canonical_sha256
    return made.sha256


@pytest.fixture(scope="module")
def elsewhere(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Toolchains:
    """The same tool in a second environment, with a path of another length."""
    environment = ensured(toolchains, paddlelite()).path.parent.parent
    root = tmp_path_factory.mktemp("second") / LONG
    shutil.copytree(environment, root / environment.name, symlinks=True)
    return Toolchains(root, offline=True)


@pytest.mark.parametrize("kind", ["arm fp32", "arm fp16", "x86 fp32", "opencl fp32"])
def test_neither_the_folders_nor_the_environment_matter(
    toolchains: Toolchains, elsewhere: Toolchains, shared: Path, tmp_path: Path, kind: str
) -> None:
    target, precision = kind.split()
    options = LiteOptions.model_validate({"target": target, "precision": precision})
    model = shared / "data/inference/picodet_s_192_pedestrian"
    moved = tmp_path / LONG / "model"
    shutil.copytree(model, moved)
    here = digest(model, tmp_path / "a.nb", tmp_path / "work", toolchains, options)
    assert digest(moved, tmp_path / LONG / "b.nb", tmp_path / LONG / "work", elsewhere, options) == here


@pytest.mark.parametrize("name", GOLDEN)
def test_half_precision_files_are_those_the_golden_outputs_were_made_with(
    toolchains: Toolchains, shared: Path, tmp_path: Path, name: str
) -> None:
    ensured(toolchains, paddlelite("2.14rc0"))
    options = LiteOptions(precision="fp16", version="2.14rc0")
    model = shared / "data/inference" / name
    assert digest(model, tmp_path / "x.nb", tmp_path / "work", toolchains, options) == GOLDEN[name]
