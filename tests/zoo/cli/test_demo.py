"""``zoo demo`` runs the whole workflow on the sample entry, and reports what is missing."""

from __future__ import annotations

from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX, paddlelite
from tests.conftest import ensured
from tests.zoo.cli.conftest import Zoo

LIMBS = ((43, 147, 255), (255, 180, 64))  # left and right; blue, green, red
RUN_HERE = ("inference", "lite-x86-fp32", "onnx-fp32")


def test_the_whole_workflow_passes_without_a_network(zoo: Zoo, toolchains: Toolchains) -> None:
    ensured(toolchains, paddlelite())
    ensured(toolchains, PADDLE2ONNX)

    ran = zoo("demo", "--limit", 100, "--json", ZOO_OFFLINE="1", ZOO_MIRROR="http://127.0.0.1:9")

    assert ran.code == 0, ran.err
    rows = {row["format"]: row for row in ran.json["rows"]}
    assert list(rows) == ["inference", "lite-arm-fp32", "lite-arm-fp16", "lite-x86-fp32", "onnx-fp32"]
    assert all(row["state"] == "verified" for row in rows.values())
    assert "fp16" in rows["lite-arm-fp16"]["contents"]
    compared = {name: row["difference"] for name, row in rows.items() if row["difference"] is not None}
    half = compared.pop("lite-arm-fp16")
    assert set(compared) == {"lite-x86-fp32", "onnx-fp32"}
    assert max(compared.values()) <= ran.json["limit"] < half < 0.5
    assert rows["lite-arm-fp16"]["hint"] == "ARM FP16 emulation"
    measured = {name: row["accuracy"] for name, row in rows.items() if row["accuracy"] is not None}
    assert set(measured) == set(RUN_HERE)
    assert len({round(found["measured"], 1) for found in measured.values()}) == 1
    assert all(found["outcome"] == "met" for found in measured.values())
    assert all(found["low"] < 45.6 < found["high"] for found in measured.values())
    assert (ran.json["published"], ran.json["images"], ran.json["published_images"]) == (45.6, 100, 500)
    assert ran.json["passed"]
    drawn = cv2.imread(str(zoo.folder / "zoo-demo.jpg"))
    assert ran.json["annotated"] == "zoo-demo.jpg"
    assert drawn.shape == (1008, 1504, 3)
    left, right = (np.abs(drawn.astype(int) - color).max(axis=2) < 40 for color in LIMBS)
    assert min(left.mean(), right.mean()) > 0.001  # limbs of both sides are drawn


def test_without_a_lite_toolchain_the_other_formats_run(zoo: Zoo) -> None:
    if find_spec("paddle2onnx") is None:  # looked for, not imported: importing paddle warns
        pytest.skip("the rest of the demo needs paddle2onnx in this interpreter")
    (zoo.cache / "toolchains").unlink()

    ran = zoo("demo", "--limit", 20, "--out", "seen/figures.png", ZOO_OFFLINE="1")

    assert ran.code == 0, ran.err
    assert ran.lines[-1] == "seen/figures.png"
    assert (zoo.folder / "seen/figures.png").is_file()
    assert "20 of the 500 images of the published AP 45.6 %" in ran.err
    assert "skipping lite-x86-fp32" in ran.err

    (onnx,) = (line for line in ran.lines if line.startswith("onnx-fp32"))
    assert " MET" in onnx
    for name in ("lite-arm-fp32", "lite-arm-fp16", "lite-x86-fp32"):
        (row,) = (line for line in ran.lines if line.startswith(name))
        assert " missing " in row
        assert "--offline" in row


def test_an_unwritable_output_is_an_error_before_any_work(zoo: Zoo) -> None:
    ran = zoo("demo", "--out", zoo.folder, "--json")

    assert ran.code == 2
    assert "drawing" not in ran.err
