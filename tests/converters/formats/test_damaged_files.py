"""Damaged files of every format give a typed error or a valid inspection."""

from __future__ import annotations

import io
import pickle
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from converters.formats import inspect
from registry.errors import ZooError
from tests.converters.formats.paddle.test_pir import document, encoded
from tests.helpers.nb_writer import FP16_OPS, nb
from tests.helpers.paddle_writer import PARAMS, chunk, number, program


def _tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("folder/" + "long" * 30)
        entry.size = 300
        archive.addfile(entry, io.BytesIO(bytes(300)))
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.nb", bytes(100))
    return buffer.getvalue()


SAFETENSORS_HEADER = b'{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
# One operator with an attribute tensor, a constant, an input and an output, from onnx.proto.
_TENSOR = number(1, 2) + number(2, 1) + chunk(8, "w") + chunk(9, bytes(8))
_TYPE = chunk(2, chunk(1, number(1, 1) + chunk(2, chunk(1, number(1, 2)) + chunk(1, chunk(2, "n")))))
_NODE = chunk(1, "x") + chunk(2, "y") + chunk(4, "Add") + chunk(5, chunk(1, "value") + chunk(5, _TENSOR))
_GRAPH = (
    chunk(1, _NODE) + chunk(5, _TENSOR) + chunk(11, chunk(1, "x") + _TYPE) + chunk(12, chunk(1, "y") + _TYPE)
)
ONNX = number(1, 8) + chunk(2, "tests") + chunk(7, _GRAPH) + chunk(8, chunk(1, "") + number(2, 13))
SAMPLES = {
    "nb": nb(FP16_OPS),
    "nb of container 1": nb(FP16_OPS, meta=1),
    "program": program(),
    "params": PARAMS,
    "pir": encoded(document()),
    "onnx": ONNX,
    "tar": _tar("w"),
    "tar.gz": _tar("w:gz"),
    "zip": _zip(),
    "safetensors": len(SAFETENSORS_HEADER).to_bytes(8, "little") + SAFETENSORS_HEADER + bytes(8),
    "pickle": pickle.dumps({"w": np.ones((2, 3), "float32")}, protocol=2),
    "config": b'mode: paddle\nlist:\n- {a: 1}\n- &x "\\u00e9"\n- *x\n',
}


def check_outcome(content: bytes) -> None:
    """Check that any bytes give an inspection that is valid JSON, or a typed error with a message."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "artifact")
        path.write_bytes(content)
        try:
            outcome = inspect(path).model_dump_json()
        except ZooError as error:
            outcome = f"{error.code}: {error}"
        assert outcome


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(content: bytes) -> None:
    check_outcome(content)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [b"\2\0v2.13-rc\0\0\0\0\0\0\0\0", b"\x0a\x40\x08\0", b"\x08\7\x12\0", bytes(16), b"\x80\2"]
    ),
    st.binary(max_size=200),
)
def test_random_bytes_after_a_valid_prefix(start: bytes, content: bytes) -> None:
    check_outcome(start + content)


@pytest.mark.parametrize("what", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_truncation_at_any_byte(what: str, data: st.DataObject) -> None:
    content = SAMPLES[what]

    check_outcome(content[: data.draw(st.integers(0, len(content)))])


@pytest.mark.parametrize("what", SAMPLES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_one_changed_byte(what: str, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[what])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, content[at] ^ 1, content[at] ^ 0x80]))

    check_outcome(bytes(content))


@pytest.mark.parametrize("what", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_replaced_range(what: str, data: st.DataObject) -> None:
    content = SAMPLES[what]
    at, size = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 16))

    check_outcome(content[:at] + data.draw(st.binary(max_size=16)) + content[at + size :])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
@example('a: "\\ud800"')
@example('{"__metadata__": {"a": "\\ud800"}}')
def test_any_text(text: str) -> None:
    check_outcome(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("what", SAMPLES)
def test_undamaged_samples_are_valid(what: str, tmp_path: Path) -> None:
    path = tmp_path / "artifact"
    path.write_bytes(SAMPLES[what])

    assert inspect(path).size == len(SAMPLES[what])
