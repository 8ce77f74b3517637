"""Products of matrices for the x86 twin of 2.9.1: the same numbers as Paddle's, or left as they are."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from converters.lite import LiteOptions, to_lite
from converters.lite.rewriting import plan_edits, summary
from converters.lite.rules import rules
from converters.reading import read_program
from converters.toolchain import Toolchains
from converters.tools import PADDLE, paddlelite
from tests.conftest import ensured
from tests.converters.reading.paddle_bytes import (
    attribute,
    block,
    feed,
    fetch,
    holder,
    number,
    operator,
    program,
    tensor,
    variable,
)
from zoo.runner.sessions import open_session


@dataclass(frozen=True)
class Product:
    """What ``x`` is multiplied by: a parameter of these extents."""

    extents: tuple[int, ...]
    left_turned: bool = False
    right_turned: bool = False


def write_products(folder: Path, shape: Sequence[int], products: Sequence[Product]) -> Path:
    """An inference model of arrays ``x`` with one output for each product; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = holder("feed", 9) + holder("fetch", 10) + variable("x", (-1, *shape))
    steps, params = feed("x", 0), b""
    for index, product in enumerate(products):
        turns = (("trans_x", product.left_turned), ("trans_y", product.right_turned))
        attributes = b"".join(attribute(name, 6, number(10, value)) for name, value in turns)
        names = {"X": ["x"], "Y": [f"w{index}"]}
        steps += operator("matmul_v2", names, {"Out": [f"out{index}"]}, attributes)
        steps += fetch(f"out{index}", index)
        variables += variable(f"w{index}", product.extents, persistable=True)
        variables += variable(f"out{index}", (-1, -1))
        weights = [math.sin(1 + each) for each in range(math.prod(product.extents))]
        raw = struct.pack(f"<{len(weights)}f", *weights)
        params += tensor(product.extents)[: -len(raw)] + raw
    (folder / "model.pdmodel").write_bytes(program(block(variables + steps)))
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
def test_a_twin_computes_what_paddle_does(
    toolchains: Toolchains, tmp_path: Path, shape: tuple[int, ...], products: tuple[Product, ...]
) -> None:
    paddle, lite = ensured(toolchains, PADDLE), ensured(toolchains, paddlelite("2.9.1"))
    model, out = write_products(tmp_path / "model", shape, products), tmp_path / "x.nb"
    options = LiteOptions(target="x86", version="2.9.1")
    to_lite(model, out, options, toolchains=toolchains, work=tmp_path / "work", note=lambda text: None)
    array = {"x": np.random.default_rng(0).random((2, *shape), np.float32)}
    with open_session(model, "paddle", interpreter=paddle) as session:
        expected = list(session.run(array).values())
    with open_session(out, "lite", interpreter=lite) as session:
        found = list(session.run(array).values())
    assert len(found) == len(expected) == len(products)
    for product, one, other in zip(products, expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5, err_msg=str(product))


def test_what_the_first_version_would_have_to_repeat_is_left_to_opt(tmp_path: Path) -> None:
    several = write_products(tmp_path, (6, 4, 8), [Product((6, 8, 5)), Product((4, 5), left_turned=True)])
    assert not plan_edits(read_program(several / "model.pdmodel"), rules("2.9.1", "x86"))


@pytest.mark.parametrize(("version", "family"), [("2.9.1", "arm"), ("2.10", "x86")])
def test_others_get_products_as_they_were_given(tmp_path: Path, version: str, family: str) -> None:
    model = read_program(write_products(tmp_path, (4, 8), [Product((8, 5))]) / "model.pdmodel")
    assert not plan_edits(model, rules(version, family))
    assert summary(plan_edits(model, rules("2.9.1", "x86"))) == {"matmul_v2 spelled as matmul": 1}
