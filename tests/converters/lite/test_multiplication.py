"""Matrix products in x86 files of old versions: the same values as Paddle, or unchanged."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from converters.formats import read_program
from converters.lite.rewriting import plan_edits, summarize_edits
from converters.lite.rules import rules
from tests.converters.lite.conftest import Compute
from tests.helpers import paddle_writer as pb


@dataclass(frozen=True)
class Product:
    """What ``x`` is multiplied by: a parameter of these extents."""

    extents: tuple[int, ...]
    left_turned: bool = False
    right_turned: bool = False


def write_products(folder: Path, shape: Sequence[int], products: Sequence[Product]) -> Path:
    """An inference model of arrays ``x`` with one output for each product; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = pb.holder("feed", 9) + pb.holder("fetch", 10) + pb.variable("x", (-1, *shape))
    steps, params = pb.feed("x", 0), b""
    for index, product in enumerate(products):
        turns = (("trans_x", product.left_turned), ("trans_y", product.right_turned))
        attributes = b"".join(pb.attribute(name, 6, pb.number(10, value)) for name, value in turns)
        names = {"X": ["x"], "Y": [f"w{index}"]}
        steps += pb.operator("matmul_v2", names, {"Out": [f"out{index}"]}, attributes)
        steps += pb.fetch(f"out{index}", index)
        variables += pb.variable(f"w{index}", product.extents, persistable=True)
        variables += pb.variable(f"out{index}", (-1, -1))
        weights = [math.sin(1 + each) for each in range(math.prod(product.extents))]
        raw = struct.pack(f"<{len(weights)}f", *weights)
        params += pb.tensor(product.extents)[: -len(raw)] + raw
    (folder / "model.pdmodel").write_bytes(pb.program(pb.block(variables + steps)))
    (folder / "model.pdiparams").write_bytes(params)
    return folder


@pytest.mark.parametrize(
    ("shape", "products"),
    [
        ((6, 4, 8), (Product((8,)), Product((8, 5)), Product((5, 8), right_turned=True))),
        ((8,), (Product((8, 5)), Product((5, 8), right_turned=True))),
    ],
    ids=["of many", "of two matrices"],
)
@pytest.mark.parametrize("version", ["2.9.1", "2.11"])
def test_an_x86_file_computes_the_same_as_paddle(
    compute: Compute, tmp_path: Path, shape: tuple[int, ...], products: tuple[Product, ...], version: str
) -> None:
    array = {"x": np.random.default_rng(0).random((2, *shape), np.float32)}
    expected, found = compute(write_products(tmp_path / "model", shape, products), version, array)
    for product, one, other in zip(products, expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5, err_msg=str(product))


def test_products_that_need_broadcasting_are_not_rewritten(tmp_path: Path) -> None:
    several = write_products(tmp_path, (6, 4, 8), [Product((6, 8, 5)), Product((4, 5), left_turned=True)])
    assert not plan_edits(read_program(several / "model.pdmodel"), rules("2.9.1", "x86"))


@pytest.mark.parametrize(("version", "family"), [("2.9.1", "arm"), ("2.12", "x86")])
def test_other_versions_and_processors_keep_products(tmp_path: Path, version: str, family: str) -> None:
    model = read_program(write_products(tmp_path, (4, 8), [Product((8, 5))]) / "model.pdmodel")
    assert not plan_edits(model, rules(version, family))
    assert summarize_edits(plan_edits(model, rules("2.9.1", "x86"))) == {"matmul_v2 rewritten as matmul": 1}
