"""Reader of Lite models: decoded content and errors."""

from __future__ import annotations

import struct
from pathlib import Path

import flatbuffers
import pytest

from converters.formats import canonical_nb, read_nb
from converters.formats.paddle_lite.nb import decode_nb
from registry.errors import IntegrityError
from tests.helpers.nb_writer import FP16_OPS, HEADER, INT8, VARIABLES, WEIGHT, Var, Weight, nb, network

HERE = Path("model.nb")


@pytest.mark.parametrize("meta", [1, 2])
def test_both_meta_versions_decode_to_the_same_graph(meta: int) -> None:
    model = decode_nb(nb(FP16_OPS, meta=meta), HERE)

    assert (model.meta_version, model.opt_version) == (meta, "v2.13-rc")
    assert [operator.type for operator in model.operators] == [
        "feed", "calib", "conv2d", "elementwise_add", "calib", "split", "fetch",
    ]  # fmt: skip
    conv = model.operators[2]
    assert dict(conv.inputs) == {"Input": ("image_fp16",), "Filter": ("w",)}
    assert dict(conv.outputs) == {"Output": ("sum",)}
    assert conv.kernel is not None
    assert (conv.kernel.alias, conv.kernel.target, conv.kernel.precision, conv.kernel.layout) == (
        "def", "arm", "float16", "NCHW",
    )  # fmt: skip
    assert {name: value for name, value in conv.attributes.items() if not name.startswith("__")} == {
        "w_fp16": "fp16",
        "strides": (1, 2),
        "scale": 0.5,
        "with_act": True,
        "names": ("a", "b"),
        "act": "relu",
    }
    assert model.fp16_weights == ("w",)
    assert [operator.kernel and operator.kernel.alias for operator in model.calibrations] == [
        "fp32_to_fp16", "fp16_to_fp32",
    ]  # fmt: skip


@pytest.mark.parametrize("meta", [1, 2])
def test_parameter_offsets_are_correct(meta: int) -> None:
    weights = (Weight("w", (2, 3), bytes(range(24))), Weight("scale", (5,), b"\x01\x02\x03\x04\x05", INT8))
    data = nb(weights=weights, meta=meta)

    model = decode_nb(data, HERE)

    assert [(tensor.name, tensor.dtype, tensor.dims) for tensor in model.parameters] == [
        ("w", "float32", (2, 3)),
        ("scale", "int8", (5,)),
    ]
    assert [data[tensor.offset :][: tensor.size] for tensor in model.parameters] == [
        bytes(range(24)), b"\x01\x02\x03\x04\x05",
    ]  # fmt: skip


def test_inputs_and_outputs_have_the_recorded_facts() -> None:
    variables = (*VARIABLES[:2], Var("image", (-1, 3, 4, 4)), Var("heat"), Var("w", (2, 3), True))

    model = decode_nb(nb(variables=variables), HERE)

    assert [(tensor.name, tensor.dims, tensor.dtype) for tensor in model.inputs] == [
        ("image", (-1, 3, 4, 4), "float32")
    ]
    # opt drops the extents of renamed outputs.
    assert [(tensor.name, tensor.dims) for tensor in model.outputs] == [("heat", None)]


def test_canonical_form_zeroes_only_the_tail_of_the_version_field() -> None:
    one, other = nb(noise=b"\x10\xfc\x7f"), nb(noise=b"\xaa\xbb\xcc\xdd")

    assert canonical_nb(one) == canonical_nb(other)
    assert len(canonical_nb(one)) == len(one)
    changed = [at for at, (old, new) in enumerate(zip(one, canonical_nb(one), strict=True)) if old != new]
    assert changed == [11, 12, 13]
    left, right = decode_nb(one, HERE), decode_nb(other, HERE)
    assert left.sha256 != right.sha256
    assert left.canonical_sha256 == right.canonical_sha256 == decode_nb(canonical_nb(one), HERE).sha256


def test_full_version_field_has_no_tail() -> None:
    data = nb(version=b"2.9.1-0123456789", noise=b"")

    assert decode_nb(data, HERE).opt_version == "2.9.1-0123456789"
    assert canonical_nb(data) == data


def test_bytes_after_the_last_parameter_are_counted() -> None:
    assert decode_nb(nb(), HERE).trailing == 0
    assert decode_nb(nb(trailing=b"\0" * 7), HERE).trailing == 7


@pytest.mark.parametrize("meta", [1, 2])
def test_truncated_file_is_rejected(meta: int) -> None:
    whole = nb(FP16_OPS, meta=meta)

    for end in range(3, len(whole)):
        with pytest.raises(IntegrityError) as caught:
            decode_nb(whole[:end], HERE)
        # Parameters of meta version 1 are one buffer up to the end of the file: truncation looks like damage.
        assert caught.value.code == "nb-truncated" or (meta == 1 and caught.value.code == "nb-corrupt")
        assert "byte" in caught.value.message
        assert caught.value.expected


@pytest.mark.parametrize(("meta", "words"), [(0, "before 2.7"), (3, "newer")])
def test_other_meta_versions_are_rejected(meta: int, words: str) -> None:
    with pytest.raises(IntegrityError, match=words) as caught:
        decode_nb(nb(meta=meta), HERE)

    assert caught.value.code == "nb-unsupported-version"
    assert caught.value.found == f"meta version {meta}"


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\x07\x12\x04test\x3a\x00",
        b"PK\x03\x04rest",
        b"name: value\n",
        b"\x00" * 64,
        b"\x02\x00\x00" + bytes(40),
    ],
)
def test_other_formats_are_not_a_lite_model(content: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_nb(content, HERE)

    assert caught.value.code == "not-a-nb"


def _with(data: bytes, at: int, patch: bytes) -> bytes:
    return data[:at] + patch + data[at + len(patch) :]


def _params_at(data: bytes) -> int:
    return HEADER + int.from_bytes(data[18:26], "little")


DAMAGE = {
    "root outside the buffer": lambda d: _with(d, HEADER, struct.pack("<I", 1 << 30)),
    "root on itself": lambda d: _with(d, HEADER, bytes(4)),
    "version of the parameters": lambda d: _with(d, _params_at(d), b"\x01"),
    "header shorter than its fields": lambda d: _with(d, _params_at(d) + 4, b"\x05"),
    "largest tensor beyond the file": lambda d: _with(d, _params_at(d) + 8, b"\xff\xff\xff\x7f"),
    "parameter outside its record": lambda d: _with(d, _params_at(d) + 16, b"\xff\xff"),
    "data shorter than its extents": lambda d: d.replace(struct.pack("<2q", 2, 3), struct.pack("<2q", 2, 4)),
    "negative extents": lambda d: d.replace(struct.pack("<2q", 2, 3), struct.pack("<2q", -2, -3)),
    "kernel without fields": lambda d: d.replace(b"conv2d/def/4/1/1", b"conv2d.def.4.1.1"),
    "name that is not text": lambda d: d.replace(b"image", b"ima\xff\xfe"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_rejected_with_its_byte_position(how: str) -> None:
    damaged = DAMAGE[how](nb())
    assert damaged != nb()

    with pytest.raises(IntegrityError) as caught:
        decode_nb(damaged, HERE)

    assert caught.value.code == "nb-corrupt"
    assert "at byte" in caught.value.message
    assert caught.value.found


def test_parameters_of_another_model_are_rejected() -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_nb(nb(weights=(Weight("v", (2, 3), bytes(24)),)), HERE)

    assert caught.value.code == "nb-corrupt"
    assert "'w'" in str(caught.value.expected)


def test_record_size_beyond_the_file_is_rejected() -> None:
    at = _params_at(nb()) + 12

    with pytest.raises(IntegrityError) as caught:
        decode_nb(_with(nb(), at, b"\xff\xff\xff\xff"), HERE)

    assert caught.value.code == "nb-truncated"


def test_repeated_references_to_one_table_are_rejected() -> None:
    """3000 operators refer to one list with 100,000 references to one attribute: 300 million visits."""
    b = flatbuffers.Builder(1024)
    name = b.CreateString("x")
    b.StartObject(14)
    b.PrependUOffsetTRelativeSlot(0, name, 0)
    attribute = b.EndObject()
    attributes = _repeated(b, attribute, 100_000)
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(0, name, 0)
    b.PrependUOffsetTRelativeSlot(3, attributes, 0)
    operators = _repeated(b, b.EndObject(), 3_000)
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(3, operators, 0)
    blocks = _repeated(b, b.EndObject(), 1)
    b.StartObject(3)
    b.PrependUOffsetTRelativeSlot(0, blocks, 0)
    b.Finish(b.EndObject())
    topology = bytes(b.Output())

    with pytest.raises(IntegrityError, match="at byte") as caught:
        decode_nb(b"\2\0v2.13-rc".ljust(18, b"\0") + struct.pack("<Q", len(topology)) + topology, HERE)

    assert caught.value.found == "repeated references to the same parts"


def _repeated(builder: flatbuffers.Builder, offset: int, times: int) -> int:
    builder.StartVector(4, times, 4)
    for _ in range(times):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def test_read_nb_equals_decode_nb(tmp_path: Path) -> None:
    path = tmp_path / "any-name"
    path.write_bytes(nb(network("def/4/1/1")))

    model = read_nb(path)

    assert (model.path, model.size) == (path, path.stat().st_size)
    assert model.parameters[0].name == WEIGHT.name
