"""Inspection of TensorFlow Lite models, valid and damaged."""

from __future__ import annotations

import base64
import runpy
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.formats import inspect
from converters.formats.inspection import Tensor
from converters.formats.tflite.inspect import to_channels_first
from converters.toolchain.pins import LITERT
from registry.errors import IntegrityError, ZooError

# y = x + x with one float32 each: the model of the LiteRT probe.
SUM = base64.b64decode(runpy.run_path(str(LITERT.probe))["_MODEL"])

# A 1x1 convolution with fp16 weights, followed by a custom operator.
ERF = base64.b64decode(
    """
    HAAAAFRGTDMAABIAHAAYABQAEAAMAAgAAAAEABIAAAAYAAAASAAAAJAAAACYAAAAaAIAAAMAAAABAAAADAAAAAgADAAIAAQACAAA
    AAIAAAAEAAAAEwAAAG1pbl9ydW50aW1lX3ZlcnNpb24AAwAAAEQAAAAkAAAABAAAAOr///8EAAAACAAAADIuMTAuMAAAAAAGAAgA
    BAAGAAAABAAAAAwAAAAAAAA8AEAAQgBEAEUEAAQABAAAAAYAAABhIHRlc3QAAAEAAAAQAAAADAAUABAADAAIAAQADAAAABAAAACY
    AAAAnAAAAKAAAAADAAAAbAAAADQAAAAEAAAA3v///wwAAAAQAAAAAgAAAAEAAAAEAAAAAQAAAAMAAAAAAAoAEAAMAAgABAAKAAAA
    DAAAABAAAAABAAAAAQAAAAMAAAADAAAAAAAAAAIAAAD/////AAAKAAwAAAAIAAQACgAAAAgAAAAMAAAAAQAAAAIAAAABAAAAAQAA
    AAEAAAAEAAAAAQAAAAAAAAAFAAAA4AAAAJwAAABgAAAAMAAAAAQAAABA////CAAAAAwAAAADAAAAZXJmAAQAAAABAAAABAAAAAQA
    AAACAAAAaP///wgAAAAQAAAABAAAAG1hcHMAAAAABAAAAAEAAAAEAAAABAAAAAIAAACU////CAAAABAAAAAHAAAAd2VpZ2h0cwAE
    AAAAAgAAAAEAAAABAAAAAwAAAAwAFAAQAA8ACAAEAAwAAAAQAAAAAQAAAAAAAAEQAAAABAAAAGhhbGYAAAAABAAAAAIAAAABAAAA
    AQAAAAMAAAAMAAwACAAAAAAABAAMAAAACAAAABAAAAAFAAAAaW1hZ2UAAAAEAAAAAQAAAAQAAAAEAAAAAwAAAAMAAABMAAAAMAAA
    ABAAAAAMABAADwAIAAAABAAMAAAAIAAAAAgAAAAAAAAgBwAAAEZsZXhFcmYA9P///wMAAAAAAAADDAAMAAsAAAAAAAQADAAAAAYA
    AAAAAAAG
    """
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.bin"
    path.write_bytes(data)
    return path


def test_file_is_inspected_under_any_name(tmp_path: Path) -> None:
    found = inspect(written(tmp_path, SUM))

    assert (found.format, found.size, found.operators) == ("tflite", len(SUM), {"ADD": 1})
    assert found.inputs == (Tensor(name="x", shape=(1,), dtype="float32"),)
    assert found.outputs == (Tensor(name="y", shape=(1,), dtype="float32"),)
    assert (found.parameters, found.elements, found.precision) == (0, 0, None)
    assert not found.warnings


def test_fp16_weights_custom_operator_and_layout(tmp_path: Path) -> None:
    found = inspect(written(tmp_path, ERF))

    assert (found.made_by, found.precision, found.weights_precision) == ("a test", "fp32", "fp16")
    assert found.operators == {"CONV_2D": 1, "DEQUANTIZE": 1, "FlexErf": 1}
    assert (found.parameters, found.elements) == (1, 6)
    assert found.details["layout"] == "NHWC"
    assert found.details["first_runtime"] == "2.10.0"
    assert found.details["custom_operators"] == ["FlexErf"]
    assert "FlexErf" in found.warnings[0]


def test_weights_shorter_than_their_extents_are_rejected(tmp_path: Path) -> None:
    extents = struct.pack("<5I", 4, 2, 1, 1, 3)
    longer = struct.pack("<5I", 4, 2, 1, 2, 3)
    with pytest.raises(IntegrityError) as caught:
        inspect(written(tmp_path, ERF.replace(extents, longer)))

    assert caught.value.code == "tflite-corrupt"


@pytest.mark.parametrize(
    ("shape", "turned"), [((1, 128, 96, 3), (1, 3, 128, 96)), ((1, 17), (1, 17)), (None, None)]
)
def test_channels_come_first_where_there_are_four_extents(
    shape: tuple[int, ...] | None, turned: tuple[int, ...] | None
) -> None:
    (end,) = to_channels_first([Tensor(name="image", shape=shape, dtype="float32")])

    assert end.shape == turned


@pytest.mark.parametrize("size", range(0, len(SUM), 3))
def test_truncated_file_is_rejected(tmp_path: Path, size: int) -> None:
    with pytest.raises(ZooError):
        inspect(written(tmp_path, SUM[:size]))


def test_another_schema_version_is_rejected(tmp_path: Path) -> None:
    root = struct.unpack_from("<I", SUM)[0]
    table = SUM[root:]
    at = root + table.index(struct.pack("<I", 3))
    with pytest.raises(IntegrityError) as caught:
        inspect(written(tmp_path, SUM[:at] + struct.pack("<I", 2) + SUM[at + 4 :]))

    assert caught.value.code == "tflite-corrupt"


@given(at=st.integers(8, len(SUM) - 1), byte=st.integers(0, 255))
def test_changed_byte_is_a_typed_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    path = written(tmp_path_factory.getbasetemp(), SUM[:at] + bytes([byte]) + SUM[at + 1 :])
    try:
        found = inspect(path)
    except ZooError:
        return
    assert found.format == "tflite"
