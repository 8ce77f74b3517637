"""Checkpoints of every Paddle, numpy and pickle version are read exactly."""

from __future__ import annotations

import errno
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import textwrap
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from converters.checkpoints import Checkpoint, read_weights, summarize
from converters.formats import inspect
from registry.errors import ConversionError, IntegrityError, NotFoundError
from tests.helpers.pickle_assembler import ONE, PROTO4, array, dtype, state_dict, text
from tests.helpers.timing import deadline

REAL = (
    "picodet_s_192_lcnet_pedestrian",
    "picodet_s_192_pedestrian",
    "tinypose_128x96",
    "tinypose_256x192",
)
PROTOCOLS = (2, 3, 4, 5)

needs_paddle = pytest.mark.skipif(
    importlib.util.find_spec("paddle") is None, reason="paddlepaddle writes the checkpoints of this test"
)


def run_paddle(script: str, *arguments: str) -> None:
    """Run a script with Paddle in a child process: importing Paddle takes seconds and warns."""
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments], check=True, timeout=deadline(300)
    )


def written(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def assert_same(found: Checkpoint, expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, weight in found.items():
        assert weight.dtype == expected[name].dtype.newbyteorder("=")
        assert weight.shape == expected[name].shape
        assert weight.tobytes() == expected[name].astype(weight.dtype).tobytes()


# -- real weights ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded_by_paddle(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Load the published weights with paddle.load in a child process; these weights are trusted."""
    if importlib.util.find_spec("paddle") is None:
        pytest.skip("paddlepaddle is the reference of this test")
    folder = tmp_path_factory.mktemp("loaded")
    script = """
        import sys
        from pathlib import Path
        import numpy, paddle
        for path in Path(sys.argv[1]).glob("*.pdparams"):
            numpy.savez(Path(sys.argv[2]) / path.stem, **paddle.load(str(path), return_numpy=True))
    """
    run_paddle(script, str(shared / "data" / "weights"), str(folder))
    return folder


@pytest.mark.parametrize("name", REAL)
def test_real_weights_equal_paddle_load_bit_for_bit(shared: Path, loaded_by_paddle: Path, name: str) -> None:
    checkpoint = read_weights(shared / "data" / "weights" / f"{name}.pdparams")
    with np.load(loaded_by_paddle / f"{name}.npz") as reference:
        assert_same(checkpoint, {key: reference[key] for key in reference.files})


@pytest.mark.parametrize("name", REAL)
def test_summary_of_real_weights_needs_no_data(shared: Path, name: str) -> None:
    path = shared / "data" / "weights" / f"{name}.pdparams"
    summary = summarize(path)
    checkpoint = read_weights(path)
    assert summary.format == checkpoint.format == "weights"
    assert summary.size == path.stat().st_size
    assert summary.shapes == checkpoint.shapes
    assert {tensor.dtype for tensor in summary.tensors} == {"float32"}
    assert summary.elements == sum(weight.size for weight in checkpoint.values())


# -- files of paddle.save --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved_by_paddle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    script = """
        import sys
        import numpy, paddle
        folder = sys.argv[1]
        network = paddle.nn.Sequential(paddle.nn.Conv2D(3, 4, 3), paddle.nn.BatchNorm2D(4))
        state = dict(network.state_dict())
        state["half"] = paddle.to_tensor([1.5, -2.0], dtype="float16")
        state["double"] = paddle.to_tensor([[0.1]], dtype="float64")
        state["count"] = paddle.arange(3)
        state["mask"] = paddle.to_tensor([True, False])
        state["scalar"] = paddle.to_tensor(1.5)
        state["empty"] = paddle.zeros([0, 3])
        state["alias"] = state["half"]
        numpy.savez(f"{folder}/expected", **{name: tensor.numpy() for name, tensor in state.items()})
        for protocol in (2, 3, 4):
            paddle.save(state, f"{folder}/state_{protocol}.pdparams", protocol=protocol)
            # A numpy array among the tensors makes paddle.save write each tensor as (name, array).
            mixed = {**state, "extra": numpy.ones((2, 3), numpy.float32)}
            paddle.save(mixed, f"{folder}/mixed_{protocol}.pdparams", protocol=protocol)
        paddle.save({"half": state["half"], "pair": (1, 2)}, f"{folder}/pair.pdparams")
        paddle.save({"w": paddle.ones([2], dtype="bfloat16")}, f"{folder}/bfloat16.pdparams")
        paddle.save({"model": state, "epoch": 3}, f"{folder}/nested.pdparams")
        paddle.save(state["half"], f"{folder}/tensor.pdparams")
        paddle.save(state["half"], f"{folder}/binary.pdparams", use_binary_format=True)
    """
    run_paddle(script, str(folder))
    return folder


@needs_paddle
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_paddle_save_of_a_state_dict(saved_by_paddle: Path, protocol: int) -> None:
    with np.load(saved_by_paddle / "expected.npz") as expected:
        assert_same(read_weights(saved_by_paddle / f"state_{protocol}.pdparams"), dict(expected))


@needs_paddle
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_paddle_save_of_tensors_among_arrays(saved_by_paddle: Path, protocol: int) -> None:
    checkpoint = read_weights(saved_by_paddle / f"mixed_{protocol}.pdparams")
    with np.load(saved_by_paddle / "expected.npz") as expected:
        assert_same(checkpoint, {**expected, "extra": np.ones((2, 3), np.float32)})
    assert checkpoint["alias"] is checkpoint["half"]


@needs_paddle
def test_paddle_save_of_a_nested_state_dict(saved_by_paddle: Path) -> None:
    with np.load(saved_by_paddle / "expected.npz") as expected:
        assert_same(read_weights(saved_by_paddle / "nested.pdparams"), dict(expected))


@needs_paddle
@pytest.mark.parametrize(
    ("file", "kind", "code", "names"),
    [
        ("bfloat16", ConversionError, "weights-unsupported", "bfloat16"),
        ("tensor", ConversionError, "weights-unsupported", "it contains a tuple"),
        ("pair", ConversionError, "weights-unsupported", "'pair' is a tuple"),
        ("binary", IntegrityError, "not-a-checkpoint", ".pdiparams"),
    ],
)
def test_other_objects_saved_by_paddle(
    saved_by_paddle: Path, file: str, kind: type[Exception], code: str, names: str
) -> None:
    with pytest.raises(kind) as caught:
        read_weights(saved_by_paddle / f"{file}.pdparams")
    assert caught.value.code == code
    assert names in str(caught.value)


# -- other writers ---------------------------------------------------------------------------------------

ELEMENTS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u4", "u8", "?")


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    kind = np.dtype(draw(st.sampled_from(ELEMENTS))).newbyteorder(draw(st.sampled_from("<>")))
    made = draw(npst.arrays(kind, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    return np.asarray(made, order=draw(st.sampled_from("CF")))


@settings(max_examples=150, deadline=None)
@given(
    content=st.dictionaries(
        st.from_regex(r"[a-z_.]{1,20}", fullmatch=True), arrays(), min_size=1, max_size=4
    ),
    protocol=st.sampled_from(PROTOCOLS),
    ordered=st.booleans(),
)
def test_any_dictionary_of_arrays_round_trips(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, np.ndarray], protocol: int, ordered: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pdparams"
    written(path, OrderedDict(content) if ordered else content, protocol)
    checkpoint = read_weights(path)
    assert list(checkpoint) == list(content)
    assert_same(checkpoint, content)
    assert summarize(path).shapes == checkpoint.shapes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_long_arrays_and_names_round_trip(tmp_path: Path, protocol: int) -> None:
    content = {"w" * 300: np.arange(70_000, dtype=np.float32), "v": np.full(300, 255, np.uint8)}
    assert_same(read_weights(written(tmp_path / "x", content, protocol)), content)


def test_thousands_of_tensors_are_read(tmp_path: Path) -> None:
    content = {f"layer{i}.weight": np.full((2, 2), i, np.float32) for i in range(4000)}
    assert_same(read_weights(written(tmp_path / "x", content)), content)


def test_both_names_of_the_numpy_core_package(tmp_path: Path) -> None:
    new = pickle.dumps({"w": np.ones(2, np.float32)}, protocol=2)
    for core in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        path = tmp_path / "x"
        path.write_bytes(new.replace(b"numpy._core.multiarray", core).replace(b"numpy.core.multiarray", core))
        assert core in path.read_bytes()
        assert_same(read_weights(path), {"w": np.ones(2, np.float32)})


def test_integer_flags_of_old_numpy(tmp_path: Path) -> None:
    """numpy before 1.20 pickles a dtype with 0 and 1 instead of False and True."""
    content = state_dict(w=ONE)
    path = tmp_path / "x"
    path.write_bytes(content.replace(text("f4") + b"\x89\x88", text("f4") + b"K\x00K\x01"))
    assert path.read_bytes() != content
    assert_same(read_weights(path), {"w": np.ones(1, np.float32)})


def test_arrays_are_read_only(tmp_path: Path) -> None:
    checkpoint = read_weights(written(tmp_path / "x", {"w": np.zeros((2, 3), ">f4", order="F")}))
    weight = checkpoint["w"]
    assert weight.flags.c_contiguous
    assert weight.flags.aligned
    assert weight.dtype.isnative
    with pytest.raises(ValueError, match="read-only"):
        weight[0, 0] = 1
    with pytest.raises(TypeError):
        checkpoint.arrays["w"] = weight  # type: ignore[index]


def test_parameter_under_two_names_is_shared(tmp_path: Path) -> None:
    weight = np.ones(3, np.float32)
    checkpoint = read_weights(
        written(tmp_path / "x", {"head_cls0.bias": weight, "head_cls_list.0.bias": weight})
    )
    assert checkpoint["head_cls0.bias"] is checkpoint["head_cls_list.0.bias"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({}, "no arrays"),
        ({"StructuredToParameterName@@": {}}, "no arrays"),
        ([1], "EMPTY_LIST"),
        ("text", "it contains a text"),
        (None, "it contains None"),
        ({"epoch": 3}, "'epoch' is a number"),
        ({"lr": 0.1}, "'lr' is a number"),
        ({"model": {"w": np.zeros(1)}, "net": {"v": np.zeros(1)}}, "several dictionaries of arrays"),
        ({"model": {"w": np.zeros(1)}, "teacher": {"w": np.zeros(1)}}, "'model', 'teacher'"),
        ({"backbone": {"w": np.zeros(1)}}, "save only the one under 'backbone'"),
        ({"w": np.zeros(2, np.complex64)}, "'c8'"),
        ({"w": np.array(["a"])}, "'U1'"),
        ({"w": np.zeros(2, "M8[s]")}, "'M8'"),
        ({"w": np.float32(1)}, "multiarray.scalar"),
        ({"UnpackBigParamInfor@@": {}, "w@@.0": np.zeros(1)}, "stored in parts"),
    ],
)
def test_pickles_without_a_state_dict_are_rejected(tmp_path: Path, content: object, names: str) -> None:
    with pytest.raises((ConversionError, IntegrityError)) as caught:
        read_weights(written(tmp_path / "x", content))
    assert names in str(caught.value)


@pytest.mark.parametrize(
    ("content", "code", "names"),
    [
        (b"", "weights-truncated", "empty"),
        (b"PK\x03\x04" + bytes(60), "not-a-checkpoint", "PyTorch"),
        (b"<html>404</html>", "not-a-checkpoint", "error page"),
        (b"\x1f\x8b\x08" + bytes(60), "not-a-checkpoint", "gzip"),
        (bytes(60), "not-a-checkpoint", ".pdiparams"),
        (b"version https://git-lfs", "not-a-checkpoint", "76 65 72"),
    ],
)
def test_other_files_are_rejected(tmp_path: Path, content: bytes, code: str, names: str) -> None:
    path = tmp_path / "model.pdparams"
    path.write_bytes(content)
    for look in (read_weights, summarize):
        with pytest.raises(IntegrityError) as caught:
            look(path)
        assert caught.value.code == code
        assert names in str(caught.value)


def test_non_files_are_not_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "pipe", Path(os.devnull), Path("a\0b")):
        for read in (read_weights, summarize):
            with pytest.raises(NotFoundError) as caught:
                read(path)
            assert caught.value.code == "weights-not-found"


@pytest.mark.parametrize("read", [read_weights, summarize, inspect], ids=lambda function: function.__name__)
def test_disk_error_while_reading_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    class FailingFile(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def open_failing(path: Path, mode: str) -> FailingFile:
        return FailingFile(path, mode)

    path = tmp_path / "weights"
    path.write_bytes(state_dict(w=ONE))
    monkeypatch.setattr(Path, "open", open_failing)

    with pytest.raises(NotFoundError) as caught:
        read(path)

    assert caught.value.code in {"weights-not-found", "path-unreadable"}
    assert caught.value.found == os.strerror(errno.EIO)


def test_too_large_file_is_rejected_unread(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(PROTO4)
        file.truncate(1 << 40)
    with pytest.raises(IntegrityError) as caught:
        read_weights(path)
    assert caught.value.code == "weights-too-large"


def test_summary_needs_no_numpy(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(state_dict(w=array((2,), bytes(8), kind=dtype("f4", ">")), v=ONE))
    script = """
        import sys
        from pathlib import Path
        sys.modules["numpy"] = None  # makes every import of numpy fail
        from converters.checkpoints import read_weights, summarize
        from registry.errors import MissingToolError
        assert summarize(Path(sys.argv[1])).shapes == {"w": (2,), "v": (1,)}
        try:
            read_weights(Path(sys.argv[1]))
        except MissingToolError as error:
            assert "paddle-zoo[convert]" in error.hint
        else:
            raise SystemExit("numpy was not needed?")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=True)
