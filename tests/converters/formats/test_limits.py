"""Limits of the readers: a small file cannot take much memory or time."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import pytest

from converters.formats import inspect
from registry.errors import IntegrityError
from tests.converters.formats.openvino.test_inspect import GRAPH as OPENVINO
from tests.helpers.nb_writer import FP32_OPS, Op, nb
from tests.helpers.paddle_writer import attribute, block, chunk, number, operator, program

Write = Callable[..., Path]

FLOATS = bytes(4 * 2_100_000)
ONNX_FLOATS = chunk(1, "x") + chunk(4, "Relu") + chunk(5, chunk(1, "a") + chunk(7, FLOATS))


def tflite(tensors: int, references: int, extents: int = 1) -> bytes:
    """A graph whose list of tensors has ``references`` references to each of some tensors."""
    b = flatbuffers.Builder(1024)
    shape = _vector(b, 4, [1] * extents, b.PrependInt32)
    made = []
    for _ in range(tensors):
        b.StartObject(8)
        b.PrependUOffsetTRelativeSlot(0, shape, 0)
        made.append(b.EndObject())
    values = _vector(b, 4, made * references, b.PrependUOffsetTRelative)
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(0, values, 0)
    graphs = _vector(b, 4, [b.EndObject()], b.PrependUOffsetTRelative)
    b.StartObject(5)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(2, graphs, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def _vector(b: flatbuffers.Builder, width: int, items: list[int], put: Callable[[int], None]) -> int:
    b.StartVector(width, len(items), width)
    for item in reversed(items):
        put(item)
    return int(b.EndVector())


HUGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "floats of an attribute": (
        lambda: program(block(operator("relu", {}, {}, attribute("values", 4, chunk(7, FLOATS))))),
        "program-too-large",
    ),
    "floats of an ONNX attribute": (
        lambda: number(1, 8) + chunk(7, chunk(1, ONNX_FLOATS)) + chunk(8, number(2, 13)),
        "onnx-too-large",
    ),
    "integers of an attribute": (
        lambda: program(block(operator("relu", {}, {}, attribute("values", 3, chunk(6, bytes(2_100_000)))))),
        "program-too-large",
    ),
    "numbers of a Lite attribute": (
        lambda: nb([*FP32_OPS, Op("relu", {}, {}, "def/4/1/1", {"values": [1] * 1_000_001})]),
        "nb-too-large",
    ),
    "one TensorFlow Lite tensor many times": (
        lambda: tflite(100, 12_000) + bytes(40_000_000),
        "tflite-too-large",
    ),
    "extents of a TensorFlow Lite tensor": (lambda: tflite(1, 1, extents=33), "tflite-corrupt"),
    "lines of an ncnn graph": (lambda: b"7767517\n1 1\n" + b"a\n" * 500_000, "ncnn-too-large"),
    "tags of an OpenVINO graph": (
        lambda: OPENVINO.replace("</layers>", "<a/>" * 2_000_001 + "</layers>").encode(),
        "openvino-too-large",
    ),
    "an encoding of an OpenVINO graph": (
        lambda: OPENVINO.replace("?>", ' encoding="utf-7"?>', 1).encode(),
        "openvino-truncated",  # read as UTF-8
    ),
}


@pytest.mark.parametrize("what", HUGE)
def test_content_beyond_a_limit_is_rejected(write: Write, what: str) -> None:
    make, code = HUGE[what]
    path = write(make(), "m.xml")
    path.with_suffix(".bin").touch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(IntegrityError) as caught:
        inspect(path)

    assert caught.value.code == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # kB


def test_a_small_file_is_read_in_little_address_space(write: Write) -> None:
    """A read of ``limit`` bytes would allocate them."""
    script = """
        import resource, sys
        from pathlib import Path
        from converters.formats import inspect
        inspect(Path(sys.argv[1]))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (64 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        inspect(Path(sys.argv[1]))
    """
    for content in (nb(FP32_OPS), program(), tflite(1, 1)):
        command = [sys.executable, "-c", textwrap.dedent(script), str(write(content))]
        subprocess.run(command, check=True)


def test_a_file_that_grows_while_it_is_read_is_rejected(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(struct.pack("<4s", b"a: 1"))
    monkeypatch.setattr("converters.formats.bounded_io.regular_file_size", lambda path: 2)

    with pytest.raises(IntegrityError) as caught:
        inspect(path)

    assert caught.value.code == "config-corrupt"
