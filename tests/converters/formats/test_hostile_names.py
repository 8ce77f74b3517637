"""Names with control characters: unchanged in inspections, escaped in error messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.formats import inspect
from registry.errors import ZooError
from tests.converters.formats.openvino.test_inspect import GRAPH as OPENVINO
from tests.converters.formats.paddle.test_pir import document, encoded
from tests.helpers.nb_writer import FP32_OPS, Op, Var, Weight, feed, fetch, nb
from tests.helpers.paddle_writer import block, chunk, number, program, tensor

Write = Callable[..., Path]

# Set the title, clear the screen, CSI as one character (C1), reverse the order of letters.
NAME = "a\x1b]0;x\x07\x1b[2J\r\n\x9b31m\u202egpj.exe"
C1_NAME = "a\x9b31m\u202egpj.exe"  # a text file with C0 control characters is not recognized as text


def onnx(node: bytes) -> bytes:
    value = chunk(1, NAME) + chunk(2, chunk(1, number(1, 1) + chunk(2, chunk(1, number(1, 2)))))
    graph = chunk(1, node) + chunk(11, value) + chunk(12, value)
    return number(1, 8) + chunk(2, NAME) + chunk(7, graph) + chunk(8, chunk(1, NAME) + number(2, 13))


ONNX_NODE = chunk(1, NAME) + chunk(2, NAME) + chunk(4, NAME)
NB_OPS = [feed(NAME), Op(NAME, {"X": [NAME]}, {"Out": [NAME]}, "def/4/1/1"), fetch(NAME)]
VALID = {
    "onnx": onnx(ONNX_NODE),
    "nb": nb(NB_OPS, (Weight(NAME, (1,), bytes(4)),), variables=(Var(NAME, (1, 3, 4, 4)),)),
    "program": program(block(chunk(4, chunk(3, NAME)))),
}


@pytest.mark.parametrize("what", VALID)
def test_names_are_unchanged_in_the_inspection(write: Write, what: str) -> None:
    inspection = json.loads(inspect(write(VALID[what])).model_dump_json())

    assert NAME in inspection["operators"]


def _openvino(old: str, new: str) -> bytes:
    return OPENVINO.replace(old, new).encode()


def _pir(**changes: object) -> bytes:
    content = document()
    content["program"]["regions"][0]["blocks"][0]["ops"][0].update(changes)
    return encoded(content)


INVALID = {
    "nb, missing parameter": nb(FP32_OPS, variables=(Var(NAME, (1,), persistable=True),)),
    "nb, kernel": nb([*FP32_OPS, Op(NAME, {}, {}, NAME)]),
    "nb, data of another size": nb(FP32_OPS, (Weight(NAME, (7,), bytes(4)),)),
    "program, parameter without a type": program(
        block(chunk(3, chunk(1, NAME) + chunk(2, number(1, 7)) + number(3, 1)) + chunk(4, chunk(3, "relu")))
    ),
    "pir, operator": _pir(**{"#": NAME}),
    "pir, parameter": _pir(A=[NAME]),
    "ncnn, unknown value": f"7767517\n1 1\nReLU {C1_NAME} 1 1 {C1_NAME} b\n".encode(),
    "ncnn, parameter": f"7767517\n1 1\nInput {C1_NAME} 0 1 b {C1_NAME}\n".encode(),
    "ncnn, count": f"7767517\n1 1\nInput a {C1_NAME} 1 b\n".encode(),
    "openvino, input without a type": _openvino(
        'name="x" type="Parameter" version="opset1">\n			<data shape="?,2" element_type="f32" />',
        f'name="{C1_NAME}" type="Parameter" version="opset1">',
    ),
    "openvino, extent": _openvino("<dim>-1</dim>", f"<dim>{C1_NAME}</dim>"),
    "openvino, document": _openvino("</net>", f"</{C1_NAME}>"),
    "config": f"a: b\n{C1_NAME}: *{C1_NAME}\n]: {C1_NAME}".encode(),
    "safetensors": len(head := json.dumps({NAME: {"dtype": NAME}}).encode()).to_bytes(8, "little") + head,
    "web page": f"<html>{C1_NAME}".encode(),
}


@pytest.mark.parametrize("what", INVALID)
def test_error_messages_are_printable(write: Write, what: str) -> None:
    path = write(INVALID[what], "model.xml" if what.startswith("openvino") else "model.param")
    path.with_suffix(".bin").write_bytes(bytes(16))

    with pytest.raises(ZooError) as caught:
        inspect(path)

    assert str(caught.value).replace("\n", "").isprintable()


def test_names_of_parameters_that_do_not_match_are_escaped(write: Write, tmp_path: Path) -> None:
    variable = chunk(
        3, chunk(1, NAME) + chunk(2, number(1, 7) + chunk(3, chunk(1, number(1, 5)))) + number(3, 1)
    )
    write(program(block(variable + chunk(4, chunk(3, "relu")))), "m.pdmodel")
    write(tensor((3,)), "m.pdiparams")

    with pytest.raises(ZooError) as caught:
        inspect(tmp_path)

    assert caught.value.code == "program-params-mismatch"
    assert str(caught.value).replace("\n", "").isprintable()
