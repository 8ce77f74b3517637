"""Safetensors files: deterministic writing, and reading only with a valid header."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from converters.checkpoints import read_weights, summarize, write_safetensors
from registry.errors import ConversionError, IntegrityError, UsageError

safetensors_numpy = pytest.importorskip(
    "safetensors.numpy", reason="the safetensors package writes this format"
)

REAL = ("picodet_s_192_lcnet_pedestrian", "picodet_s_192_pedestrian", "tinypose_128x96", "tinypose_256x192")
ELEMENTS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def tensor(begin: int, end: int, *, shape: list[Any] | None = None, dtype: str = "F32") -> dict[str, Any]:
    return {
        "dtype": dtype,
        "shape": [(end - begin) // 4] if shape is None else shape,
        "data_offsets": [begin, end],
    }


def assembled(header: object, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


# -- writing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_real_weights_round_trip(shared: Path, tmp_path: Path, name: str) -> None:
    original = read_weights(shared / "data" / "weights" / f"{name}.pdparams")
    write_safetensors(original, tmp_path / "x.safetensors", {"network": name})
    copy = read_weights(tmp_path / "x.safetensors")
    assert copy.format == "safetensors"
    assert copy.metadata == {"network": name}
    assert copy.shapes == original.shapes
    assert all(copy[key].tobytes() == original[key].tobytes() for key in original)


def test_both_names_of_one_parameter_are_written(shared: Path, tmp_path: Path) -> None:
    """PicoDet v2 has each prediction convolution under two names and needs both."""
    original = read_weights(shared / "data" / "weights" / "picodet_s_192_lcnet_pedestrian.pdparams")
    write_safetensors(original, tmp_path / "x", {})
    copy = read_weights(tmp_path / "x")
    for level in range(4):
        one, other = copy[f"head.head_cls{level}.weight"], copy[f"head.head_cls_list.{level}.weight"]
        assert one.tobytes() == other.tobytes()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_arrays_of_any_layout_round_trip(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The library copies memory in its order, which would scramble transposed or strided arrays."""
    kind = np.dtype(data.draw(st.sampled_from(ELEMENTS))).newbyteorder(data.draw(st.sampled_from("<>")))
    weight = data.draw(npst.arrays(kind, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    if weight.ndim:
        weight = weight.T[:: data.draw(st.sampled_from([1, 2, -1]))]
    path = tmp_path_factory.getbasetemp() / "layout.safetensors"
    write_safetensors({"w": weight, "twin": weight}, path, {})
    found = read_weights(path)
    expected = weight.astype(weight.dtype.newbyteorder("="))
    for name in ("w", "twin"):
        assert found[name].shape == weight.shape
        assert found[name].dtype == expected.dtype
        assert found[name].tobytes() == expected.tobytes()
        assert not found[name].flags.writeable
    assert summarize(path).shapes == found.shapes


def test_same_content_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """The library orders metadata by a hash that differs between processes."""
    script = """
        import sys
        from pathlib import Path
        import numpy as np
        from converters.checkpoints import write_safetensors
        names = ["b", "a", "c"] if int(sys.argv[2]) % 2 else ["c", "b", "a"]
        metadata = {key: key * 3 for key in ("zyxwvu" if int(sys.argv[2]) % 2 else "uvwxyz")}
        weights = {name: np.full((2, 3), ord(name), np.float32) for name in names}
        write_safetensors({**weights, "i": np.arange(3)}, Path(sys.argv[1]), metadata)
    """
    contents = set()
    for i in range(4):
        path = tmp_path / str(i)
        subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path), str(i)], check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_written_files_are_readable_by_the_library(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_safetensors(
        {"w": np.ones((2, 3), np.float32), "µ": np.zeros((), np.int64)}, path, {"größe": "s", "a": '"\n'}
    )
    loaded = safetensors_numpy.load_file(path)
    assert loaded["w"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert loaded["µ"].shape == ()
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        assert file.metadata() == {"größe": "s", "a": '"\n'}
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_existing_file_is_replaced_atomically(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")
    write_safetensors({"w": np.ones(1, np.float32)}, path, {})
    assert list(read_weights(path)) == ["w"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "weights", [{"w": np.zeros(1, np.complex64)}, {"__metadata__": np.zeros(1)}, {"\udcff": np.zeros(1)}]
)
def test_unsupported_content_is_rejected(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    with pytest.raises(ConversionError) as caught:
        write_safetensors(weights, tmp_path / "x", {})
    assert caught.value.code == "weights-unsupported"
    assert list(tmp_path.iterdir()) == []


def test_unwritable_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_safetensors({"w": np.ones(1, np.float32)}, tmp_path, {})


# -- reading ---------------------------------------------------------------------------------------------

EIGHT = bytes(8)
UNSOUND: dict[str, tuple[bytes, str]] = {
    "shorter than its length field": (b"\x10\0\0\0\0\0\0\0{", "weights-truncated"),
    "a header of 4 GB": (b"\0\0\0\0\x01\0\0\0{}", "weights-too-large"),
    "a header of 2 to the 64 bytes": (b"\xff" * 8 + b"{}", "weights-too-large"),
    "a gap before the tensor": (assembled({"w": tensor(4, 8)}, EIGHT), "weights-malformed"),
    "tensors that overlap": (
        assembled({"a": tensor(0, 8), "b": tensor(4, 12)}, bytes(12)),
        "weights-malformed",
    ),
    "two tensors on the same bytes": (
        assembled({"a": tensor(0, 8), "b": tensor(0, 8)}, EIGHT),
        "weights-malformed",
    ),
    "bytes after the last tensor": (assembled({"w": tensor(0, 8)}, bytes(12)), "weights-malformed"),
    "a tensor past the end of the file": (assembled({"w": tensor(0, 12)}, EIGHT), "weights-truncated"),
    "a tensor of 10 GB": (assembled({"w": tensor(0, 10 << 30)}, EIGHT), "weights-truncated"),
    "a shape other than the bytes": (assembled({"w": tensor(0, 8, shape=[3])}, EIGHT), "weights-malformed"),
    "a shape that overflows": (
        assembled({"w": tensor(0, 0, shape=[0, 2**39, 2**39])}, b""),
        "weights-malformed",
    ),
    "negative extents": (assembled({"w": tensor(0, 8, shape=[-1, -2])}, EIGHT), "weights-malformed"),
    "an extent that is true": (assembled({"w": tensor(0, 4, shape=[True])}, bytes(4)), "weights-malformed"),
    "an extent that is a fraction": (assembled({"w": tensor(0, 8, shape=[2.0])}, EIGHT), "weights-malformed"),
    "33 extents": (assembled({"w": tensor(0, 4, shape=[1] * 33)}, bytes(4)), "weights-malformed"),
    "offsets that go backwards": (assembled({"w": tensor(8, 0)}, EIGHT), "weights-malformed"),
    "a field too many": (assembled({"w": {**tensor(0, 8), "code": "x"}}, EIGHT), "weights-malformed"),
    "a field too few": (assembled({"w": {"dtype": "F32", "shape": [2]}}, EIGHT), "weights-malformed"),
    "a tensor that is a number": (assembled({"w": 3}, b""), "weights-malformed"),
    "metadata that is no text": (
        assembled({"__metadata__": {"a": 1}, "w": tensor(0, 8)}, EIGHT),
        "weights-malformed",
    ),
    "metadata that is a list": (
        assembled({"__metadata__": [], "w": tensor(0, 8)}, EIGHT),
        "weights-malformed",
    ),
    "the same name twice": (
        assembled(b'{"w":%(t)b,"w":%(t)b}' % {b"t": json.dumps(tensor(0, 8)).encode()}, EIGHT),
        "weights-malformed",
    ),
    "a name with a terminal escape sequence": (
        assembled({"\x1b[2J": tensor(0, 8)}, EIGHT),
        "weights-malformed",
    ),
    "a lone surrogate": (assembled({"\ud800": tensor(0, 8)}, EIGHT), "weights-malformed"),
    "lists 100 000 deep": (assembled(b'{"w":' + b"[" * 100_000, b""), "weights-malformed"),
    "objects 100 000 deep": (assembled(b'{"w":' * 100_000, b""), "weights-malformed"),
    "a number of 100 000 digits": (
        assembled(b'{"w":{"dtype":"F32","shape":[' + b"9" * 100_000 + b'],"data_offsets":[0,8]}}', EIGHT),
        "weights-malformed",
    ),
    "not a number": (assembled(b'{"w":NaN}', b""), "weights-malformed"),
    "not UTF-8": (assembled(b'{"\xff":1}', b""), "weights-malformed"),
    "no tensors": (assembled({}, b""), "weights-unsupported"),
    "bfloat16": (assembled({"w": tensor(0, 8, dtype="BF16", shape=[4])}, EIGHT), "weights-unsupported"),
    "eight-bit floats": (
        assembled({"w": tensor(0, 8, dtype="F8_E4M3", shape=[8])}, EIGHT),
        "weights-unsupported",
    ),
}


@pytest.mark.parametrize(("content", "code"), UNSOUND.values(), ids=UNSOUND)
def test_invalid_file_is_rejected(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    for look in (read_weights, summarize):
        with pytest.raises((IntegrityError, ConversionError)) as caught:
            look(path)
        assert caught.value.code == code
        assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "header",
    [
        json.dumps({"__metadata__": {"a": "\ud800"}, "w": tensor(0, 8)}).encode(),
        b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[-0,8]}}',
        json.dumps({"w": tensor(0, 8)}).encode("utf-16-le"),
    ],
)
def test_lenient_json_is_rejected(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(assembled(header, EIGHT))
    with pytest.raises(IntegrityError) as caught:
        read_weights(path)
    assert caught.value.code == "weights-malformed"


def test_metadata_that_is_not_unicode_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="udcff"):
        write_safetensors({"w": np.ones(1, np.float32)}, tmp_path / "x", {"source": "caf\udcff"})


def test_summary_reads_no_tensor_data(tmp_path: Path) -> None:
    """A sparse file of one terabyte is summarized from its header."""
    path = tmp_path / "sparse.safetensors"
    head = assembled({"w": tensor(0, 1 << 40, shape=[1 << 19, 1 << 19])}, b"")
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + (1 << 40))
    assert summarize(path).elements == 1 << 38
    with pytest.raises(IntegrityError) as caught:
        read_weights(path)
    assert caught.value.code == "weights-too-large"


def test_header_length_that_looks_like_a_pickle(tmp_path: Path) -> None:
    """The length of a header of 0x0480 bytes equals the prefix of a pickle of protocol 4."""
    path = tmp_path / "x"
    header = json.dumps({"w": tensor(0, 8)}).encode().ljust(0x0480)
    path.write_bytes(assembled(header, EIGHT))
    assert path.read_bytes()[:2] == b"\x80\x04"
    assert read_weights(path).format == "safetensors"


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_damaged_file_is_rejected_or_valid(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(
        assembled({"__metadata__": {"a": "b"}, "v": tensor(0, 4), "w": tensor(4, 12)}, bytes(12))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] ^= data.draw(st.integers(1, 255))
        else:
            del content[place : place + data.draw(st.integers(1, 4))]
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    path.write_bytes(content)
    try:
        checkpoint = read_weights(path)
    except (IntegrityError, ConversionError):
        return
    assert summarize(path).shapes == checkpoint.shapes
