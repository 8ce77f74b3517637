"""Inspection of OpenVINO models: a graph in XML and the bytes of its constants."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.formats import inspect
from registry.errors import IntegrityError, NotFoundError, ZooError

GRAPH = """<?xml version="1.0"?>
<net name="tiny" version="11">
	<layers>
		<layer id="0" name="x" type="Parameter" version="opset1">
			<data shape="?,2" element_type="f32" />
			<output><port id="0" precision="FP32" names="x"><dim>-1</dim><dim>2</dim></port></output>
		</layer>
		<layer id="1" name="w" type="Const" version="opset1">
			<data element_type="f32" shape="2, 2" offset="0" size="16" />
			<output><port id="0" precision="FP32"><dim>2</dim><dim>2</dim></port></output>
		</layer>
		<layer id="2" name="y" type="MatMul" version="opset1">
			<output><port id="2" precision="FP32" names="y"><dim>-1</dim><dim>2</dim></port></output>
		</layer>
		<layer id="3" name="y/sink_port_0" type="Result" version="opset1" output_names="y">
			<input><port id="0" precision="FP32"><dim>-1</dim><dim>2</dim></port></input>
		</layer>
	</layers>
	<edges />
	<rt_info><Runtime_version value="2026.4.1-22982-releases" /></rt_info>
</net>
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "tiny.xml").write_text(GRAPH)
    (tmp_path / "tiny.bin").write_bytes(b"\x0a\x02\x08\x00" * 4)  # starts like a Paddle program
    return tmp_path


@pytest.mark.parametrize("name", ["tiny.xml", "tiny.bin", ""])
def test_graph_weights_and_folder_give_the_same_inspection(model: Path, name: str) -> None:
    found = inspect(model / name)

    assert (found.format, found.made_by, found.details["ir_version"]) == (
        "openvino",
        "OpenVINO 2026.4.1",
        "11",
    )
    assert (found.precision, found.weights_precision, found.elements) == ("fp32", "fp32", 4)
    assert [(end.name, end.shape, end.dtype) for end in (*found.inputs, *found.outputs)] == [
        ("x", (None, 2), "float32"),
        ("y", (None, 2), "float32"),
    ]
    assert found.operators == {"MatMul": 1}


def test_missing_constants_are_an_error(model: Path) -> None:
    (model / "tiny.bin").unlink()
    with pytest.raises(NotFoundError) as caught:
        inspect(model / "tiny.xml")

    assert caught.value.code == "openvino-weights-missing"


def test_truncated_constants_are_rejected(model: Path) -> None:
    (model / "tiny.bin").write_bytes(b"\0" * 15)
    with pytest.raises(IntegrityError) as caught:
        inspect(model / "tiny.xml")

    assert caught.value.code == "openvino-truncated"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</layers>", '</layers><!ENTITY a "b">'),
        ("</net>", ""),
        ('offset="0"', 'offset="none"'),
        ('<data shape="?,2" element_type="f32" />', ""),
        ("<input>", "<output>"),
        ("<dim>-1</dim>", "<dim>many</dim>"),
    ],
)
def test_damaged_graph_is_rejected(model: Path, old: str, new: str) -> None:
    (model / "tiny.xml").write_text(GRAPH.replace(old, new))
    with pytest.raises(IntegrityError) as caught:
        inspect(model / "tiny.xml")

    assert caught.value.code == "openvino-corrupt"


@pytest.mark.parametrize("encoding", ["utf-7", "idna", "rot13", "cp037", "utf-16", "none"])
def test_graph_is_read_as_utf_8_whatever_encoding_it_declares(model: Path, encoding: str) -> None:
    """The XML parser of Python would raise ValueError or LookupError, or decode with that codec."""
    (model / "tiny.xml").write_text(GRAPH.replace("?>", f' encoding="{encoding}"?>', 1))

    assert inspect(model / "tiny.xml").format == "openvino"


def test_truncated_graph_is_rejected(model: Path) -> None:
    for size in range(0, len(GRAPH.rstrip()), 7):
        (model / "tiny.xml").write_text(GRAPH[:size])
        with pytest.raises(ZooError):
            inspect(model / "tiny.xml")
