"""Usage errors of ``zoo validate --against``; test_models.py judges real models."""

from __future__ import annotations

import pytest

from tests.zoo.cli.conftest import Zoo

NAME = "tinypose_128x96"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--margin", "0.5"), "option-not-applicable"),
        (("--against", "inference", "--margin", "-1"), "margin-out-of-range"),
        (("--against", "inference", "--margin", "0"), "margin-out-of-range"),
        (("--against", "inference", "--margin", "nan"), "margin-out-of-range"),
        (("--against", "inference", "--margin", "half"), "bad-usage"),
        (("--against", "onnx-fp32"), "reference-is-model"),
        (("--against", "onnx-fp8"), "reference-unknown"),
    ],
)
def test_mistakes_are_reported_before_anything_is_read(zoo: Zoo, options: tuple[str, ...], code: str) -> None:
    ran = zoo("validate", NAME, "--data", "nowhere", *options, "--json")

    assert (ran.code, ran.json["error"]["code"]) == (2, code)
    assert ran.json["error"]["hint"]
