"""Sparse layers of pruned networks, and errors where there can be none."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.formats import Inspection, read_nb, read_params
from converters.lite import LiteOptions, run_lite_job
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from registry.errors import ConversionError, UsageError
from tests.conftest import ensured
from tests.helpers.resize_network import Resize, write_resizing
from zoo import sample

Convert = Callable[..., Inspection]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The inference model of the built-in sample."""
    with tarfile.open(sample.DATA / "sample_pose_128x96.tar.gz") as archive:
        for member in archive.getmembers():
            path = tmp_path / member.name
            if member.isfile() and (file := archive.extractfile(member)):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(file.read())
    return tmp_path / "sample_pose_128x96"


@pytest.fixture
def convert(toolchains: Toolchains, lite_python: Interpreter, tmp_path: Path) -> Convert:
    def run(model: Path, out: Path, **options: object) -> Inspection:
        asked = LiteOptions.model_validate(options)
        return run_lite_job(
            model, out, asked, toolchains=toolchains, work=tmp_path / "work", note=lambda text: None
        )

    return run


def prune(network: Path, zeros: float) -> list[int]:
    """Set the smallest weights of each 1x1 convolution to zero; how many of each are left."""
    path = network / "model.pdiparams"
    content, left = bytearray(path.read_bytes()), []
    for tensor in read_params(path).tensors:
        if tensor.dims[2:] == (1, 1):
            weights = np.frombuffer(content, np.float32, tensor.elements, tensor.offset)
            smallest = np.argsort(np.abs(weights))[: round(zeros * tensor.elements)]
            weights[smallest] = 0
            left.append(int(np.count_nonzero(weights)))
    path.write_bytes(content)
    return left


@pytest.mark.parametrize("version", ["2.10", "2.13rc0"])
def test_a_pruned_network_becomes_sparse(
    convert: Convert, toolchains: Toolchains, network: Path, tmp_path: Path, version: str
) -> None:
    ensured(toolchains, paddlelite(version))
    left = prune(network, 0.75)
    made = convert(network, tmp_path / "x.nb", sparse=True, version=version)
    dense = convert(network, tmp_path / "dense.nb", version=version)
    assert made.operators["sparse_conv2d"] == len(left)
    assert (made.target, made.precision) == ("arm", "fp32")
    assert made.size < dense.size
    stored = {tensor.name: tensor.elements for tensor in read_nb(tmp_path / "x.nb").parameters}
    kept = [count for name, count in stored.items() if str(name).endswith("_nonzeros_output")]
    # Rows are filled up with zeros to multiples of four.
    assert sum(left) <= sum(kept) < 4 * sum(left)


@pytest.mark.parametrize("zeros", [0.0, 0.5])
def test_a_network_with_few_zeros_is_an_error(
    convert: Convert, network: Path, tmp_path: Path, zeros: float
) -> None:
    prune(network, zeros)
    with pytest.raises(ConversionError) as caught:
        convert(network, tmp_path / "x.nb", sparse=True)
    assert caught.value.code == "lite-nothing-sparse"
    assert "60 %" in str(caught.value.expected)
    assert not (tmp_path / "x.nb").exists()


def test_sparse_layers_need_a_fixed_image_size(convert: Convert, tmp_path: Path) -> None:
    """opt would silently write offsets for images of one pixel."""
    model = write_resizing(tmp_path / "model", [Resize(scale=(2, 2))], (-1, 3, -1, -1))
    prune(model, 0.75)
    with pytest.raises(UsageError) as caught:
        convert(model, tmp_path / "x.nb", sparse=True)
    assert caught.value.code == "lite-sparse-unsupported"
    assert "fixed height and width" in caught.value.message
