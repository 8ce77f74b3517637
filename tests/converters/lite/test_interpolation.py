"""Interpolation in x86 files of old versions: the same values as Paddle, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.formats import read_program
from converters.lite import LiteOptions, run_lite_job
from converters.lite.rewriting import Edit, plan_edits
from converters.lite.rules import rules
from converters.provenance.statement import read_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from registry.errors import ConversionError
from tests.conftest import ensured
from tests.converters.lite.conftest import Compute
from tests.helpers.resize_network import SHAPE, Resize, write_resizing

POSSIBLE = (
    Resize(scale=(2, 2)),
    Resize(scale=(2, 3)),
    Resize(scale=(0.5, 0.5)),
    Resize(scale=(1.5, 1.5)),
    Resize(size=(7, 5)),
    Resize(size=(3, 11)),
    Resize("bilinear", size=(13, 9), aligned=True),
    Resize("bilinear", size=(13, 9), aligned=True, align_mode=1),
    Resize("bilinear", size=(13, 9)),
    Resize("bilinear", size=(1, 1), aligned=True),
    Resize("bilinear", scale=(4, 4)),
    Resize("bilinear", scale=(1.5, 3)),
    Resize("bilinear", scale=(1.3, 1.3), aligned=True),
)

IMPOSSIBLE = {
    "scales that end within a pixel": (Resize(scale=(1.3, 1.3)), SHAPE),
    "scales that may end within a pixel": (Resize(scale=(1.5, 1.5)), (-1, 3, -1, -1)),
    "two scales of an unknown size": (Resize(scale=(2, 3)), (-1, 3, -1, -1)),
    "one scale of two": (Resize(scale=(2,)), SHAPE),
    "a scale that only a run knows": (Resize(inputs={"Scale": ["b"]}), SHAPE),
    "a scale and a size": (Resize(scale=(2, 2), inputs={"OutSize": ["b"]}), SHAPE),
    "channels last": (Resize(scale=(2, 2), layout="NHWC"), SHAPE),
    "no size at all": (Resize(), SHAPE),
    "half a size": (Resize(size=(4, -1)), SHAPE),
    "a mode that reads beyond its input": (Resize("bilinear", scale=(2, 2), align_mode=1), SHAPE),
}


def edits(model: Path, version: str, family: str = "x86") -> Sequence[Edit]:
    return list(plan_edits(read_program(model / "model.pdmodel"), rules(version, family)).values())


@pytest.mark.parametrize("version", ["2.9.1", "2.10"])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_x86_file_computes_the_same_as_paddle(
    compute: Compute, tmp_path: Path, version: str, batch: int
) -> None:
    """2.9.1 has kernels for x86 of the first version only, and computes a batch wrongly in one go."""
    image = {"x": np.random.default_rng(0).random((batch, *SHAPE[1:]), np.float32)}
    expected, found = compute(write_resizing(tmp_path / "model", POSSIBLE), version, image)
    for resize, one, other in zip(POSSIBLE, expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5, err_msg=str(resize))


@pytest.mark.parametrize("why", IMPOSSIBLE)
def test_what_version_1_cannot_compute_is_refused(tmp_path: Path, why: str) -> None:
    resize, shape = IMPOSSIBLE[why]
    model = write_resizing(tmp_path, [resize], shape)
    with pytest.raises(ConversionError) as caught:
        edits(model, "2.9.1")
    assert caught.value.code == "lite-interpolation-unsupported"
    assert "out0" in caught.value.message
    assert caught.value.found
    assert "2.11" in str(caught.value.hint)


def test_2_10_keeps_operators_it_computes_correctly(tmp_path: Path) -> None:
    model = write_resizing(tmp_path, [Resize(scale=(1.3, 1.3)), Resize(size=(7, 5)), Resize(scale=(2, 3))])
    (edit,) = edits(model, "2.10")
    assert edit.attributes == {"scale": None, "out_h": 20, "out_w": 24}


def test_2_10_refuses_the_mode_that_reads_past_its_input(tmp_path: Path) -> None:
    model = write_resizing(tmp_path, [Resize("bilinear", scale=(4, 4), align_mode=1)])
    with pytest.raises(ConversionError, match=r"2\.10 for x86"):
        edits(model, "2.10")


@pytest.mark.parametrize(("version", "family"), [("2.9.1", "arm"), ("2.10", "opencl"), ("2.11", "x86")])
def test_other_versions_and_processors_keep_interpolation(tmp_path: Path, version: str, family: str) -> None:
    assert not edits(write_resizing(tmp_path, POSSIBLE), version, family)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 8))
def test_whole_scales_are_rewritten_for_every_size(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, scale: int
) -> None:
    model = tmp_path_factory.mktemp("model")
    (edit,) = edits(write_resizing(model, [Resize(scale=(scale, scale))], (1, 3, height, width)), "2.9.1")
    assert edit.type == "nearest_interp"
    assert edit.attributes == {"scale": float(scale), "out_h": -1, "out_w": -1}


def test_provenance_lists_the_edits(toolchains: Toolchains, tmp_path: Path) -> None:
    ensured(toolchains, paddlelite("2.9.1"))
    model, out = write_resizing(tmp_path / "model", POSSIBLE[:2]), tmp_path / "x.nb"
    options = LiteOptions(target="x86", version="2.9.1")
    made = run_lite_job(
        model, out, options, toolchains=toolchains, work=tmp_path / "work", note=lambda text: None
    )
    assert made.operators["nearest_interp"] == 2
    own = read_provenance(out).predicate.build_definition.internal_parameters
    assert own.changes == {"nearest_interp_v2 rewritten as nearest_interp": 2}
