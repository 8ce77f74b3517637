"""Reader and inspection of PIR programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.formats import inspect, read_pir
from registry.errors import IntegrityError
from tests.helpers.paddle_writer import tensor

Write = Callable[..., Path]


def value(number: int, dims: list[int], dtype: str = "t_f32") -> dict[str, Any]:
    return {"%": number, "TT": {"#": "0.t_dtensor", "D": [{"#": f"0.{dtype}"}, dims, "NCHW", [], 0]}}


def parameter(number: int, name: str, dims: list[int]) -> dict[str, Any]:
    return {"#": "p", "A": [0, 1, 1, name], "DA": [], "O": value(number, dims), "OA": [1, 0, 1], "QA": []}


def attributes(**values: Any) -> list[dict[str, Any]]:
    return [{"AT": {"#": "0.a", "D": content}, "N": name} for name, content in values.items()]


def document() -> dict[str, Any]:
    """A shortened document of paddle 3.2.2 for one convolution."""
    inner = {"#": "1.relu", "A": [], "I": [{"%": 3}], "O": [value(8, [2])]}
    ops = [
        parameter(1, "w", [4, 3, 1, 1]),
        parameter(2, "b", [4]),
        {
            "#": "1.data",
            "A": attributes(name="x", shape=[-1, 3, 8, 8]),
            "I": [],
            "O": [value(3, [-1, 3, 8, 8])],
        },
        {"#": "1.conv2d", "A": [], "I": [{"%": 3}, {"%": 1}], "O": [value(4, [-1, 4, 8, 8])]},
        {
            "#": "2.if",
            "A": [],
            "I": [],
            "O": [],
            "regions": [{"#": "r", "blocks": [{"#": "b", "args": [], "ops": [inner]}]}],
        },
        {
            "#": "1.fetch",
            "A": attributes(name="second", col=1),
            "I": [{"%": 4}],
            "O": [value(6, [-1], "t_i64")],
        },
        {
            "#": "1.fetch",
            "A": attributes(name="first", col=0),
            "I": [{"%": 4}],
            "O": [value(5, [-1, 4, 8, 8])],
        },
    ]
    blocks = [{"#": "block_0", "args": [], "ops": ops}]
    base = {"magic": "pir", "trainable": False, "version": 3}
    return {"base_code": base, "program": {"regions": [{"#": "region_0", "blocks": blocks}]}}


def encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def test_parameter_that_is_not_stored_is_not_expected_in_the_file(write: Write) -> None:
    """``paddle.jit.save`` of an LSTM declares the state of its dropout in this way."""
    content = document()
    state = parameter(9, "lstm_1.dropout_state__non_persistable", [])
    content["program"]["regions"][0]["blocks"][0]["ops"].insert(0, {**state, "OA": [0, 1, 0]})

    program = read_pir(write(encoded(content)))

    assert [parameter.name for parameter in program.parameters] == ["b", "w"]


def test_a_program_is_decoded(write: Write) -> None:
    program = read_pir(write(encoded(document())))

    assert program.version == 3
    assert [(v.name, v.dims, v.dtype) for v in program.inputs] == [("x", (-1, 3, 8, 8), "float32")]
    assert [(v.name, v.dims, v.dtype) for v in program.outputs] == [
        ("first", (-1, 4, 8, 8), "float32"), ("second", (-1,), "int64"),
    ]  # fmt: skip
    assert [(v.name, v.dims) for v in program.parameters] == [("b", (4,)), ("w", (4, 3, 1, 1))]
    assert program.operators == {"cf.if": 1, "conv2d": 1, "relu": 1}


def test_program_is_inspected_with_its_parameters(write: Write, tmp_path: Path) -> None:
    write(encoded(document()), "inference.json")
    write(tensor((4,)) + tensor((4, 3, 1, 1)), "inference.pdiparams")

    inspection = inspect(tmp_path)

    assert (inspection.format, inspection.precision, inspection.parameters, inspection.elements) == (
        "pir", "fp32", 2, 16,
    )  # fmt: skip
    assert inspection.made_by == "pir version 3"
    assert any("Paddle-Lite reads only legacy programs" in warning for warning in inspection.warnings)


def test_truncated_document_is_rejected(write: Write) -> None:
    whole = encoded(document())

    for end in range(60, len(whole)):
        with pytest.raises(IntegrityError) as caught:
            read_pir(write(whole[:end]))
        # Part of a literal or of a number is an invalid literal.
        assert caught.value.code in {"pir-truncated", "pir-corrupt"}


def broken(**changes: Any) -> bytes:
    content = document()
    operator = content["program"]["regions"][0]["blocks"][0]["ops"][0]
    operator.update(changes)
    return encoded(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(broken(O=None), "pir-corrupt", id="parameter without a value"),
        pytest.param(broken(O=value(1, [-5])), "pir-corrupt", id="extents below -1"),
        pytest.param(broken(O=value(1, [1] * 100)), "pir-corrupt", id="too many dimensions"),
        pytest.param(broken(A=[]), "pir-corrupt", id="parameter without a name"),
        pytest.param(broken(A=["\ud800"]), "pir-corrupt", id="name with a lone surrogate"),
        pytest.param(broken(**{"#": 5}), "pir-corrupt", id="operator without a name"),
        pytest.param(b'{"base_code":{"magic":"pir","version":3}}', "pir-corrupt", id="no program"),
        pytest.param(b'{"base_code":{"magic":"pir"},"program":{}}', "pir-corrupt", id="no version"),
        pytest.param(b'{"base_code":{"magic":"pir","version":NaN}}', "pir-corrupt", id="not a number"),
        pytest.param(
            b'{"base_code":{"magic":"pir","version":3},"a":' + b"[" * 100_000, "pir-too-large", id="deep"
        ),
        pytest.param(
            b'{"base_code":{"magic":"pir","version":' + b"1" * 100_000 + b"}}", "pir-corrupt", id="digits"
        ),
        pytest.param(b'{"program":{}}', "not-a-pir-program", id="other JSON"),
        pytest.param(b"program: {}", "not-a-pir-program", id="YAML"),
    ],
)
def test_damaged_programs_are_rejected(write: Write, content: bytes, code: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_pir(write(content))

    assert caught.value.code == code


def test_program_with_fp16_parameters_is_fp16(write: Write) -> None:
    content = encoded(document()).replace(b"0.t_f32", b"0.t_f16")

    inspection = inspect(write(content))

    assert (inspection.precision, inspection.weights_precision) == ("fp16", "fp16")
    assert any("the 2 parameters is missing" in warning for warning in inspection.warnings)
