"""ARM FP16 emulation of whole files: the bits of the ARM kernels, and refusals."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from converters.formats.inspection import Tensor
from converters.lite import LiteOptions, run_lite_job
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from registry.errors import ConversionError, IntegrityError, MissingToolError, NotFoundError, UsageError
from tests.zoo.conftest import MakeModel
from tools.sample_model.make import ARCHIVE
from zoo.runner.arm_fp16 import KERNELS, Fp16Network
from zoo.runner.sessions import Session, open_session
from zoo.sample import DATA, NAME

POSE, DETECTOR = "tinypose_128x96", "picodet_s_192_pedestrian"


@pytest.fixture(scope="module")
def sample(
    toolchains: Toolchains, lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The shipped sample model in FP16 for ARM."""
    folder = tmp_path_factory.mktemp("sample")
    with tarfile.open(DATA / ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    options = LiteOptions(target="arm", precision="fp16")
    file = folder / "sample.nb"
    run_lite_job(
        folder / NAME, file, options, toolchains=toolchains, work=folder / "work", note=lambda note: None
    )
    return file


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.dtype == expected.dtype and found.reshape(expected.shape).tobytes() == expected.tobytes()


def test_the_pose_network_has_the_bits_of_the_arm_kernels(shared: Path, half_model: MakeModel) -> None:
    stored = np.load(shared / f"data/reference/arm/golden_{POSE}.npz")
    demo = np.load(shared / f"data/reference/arm/{POSE}__demo_3__A.heatmaps.arm.npz")

    with open_session(half_model(POSE), "lite") as session:
        maps, _ = session.run({"image": stored["input"][:3]}).values()
        mirrored, _ = session.run({"image": np.ascontiguousarray(stored["input"][3:4, ..., ::-1])}).values()
        whole, places = session.run({"image": demo["full_input"]}).values()

    assert same_bits(maps, stored["heatmap_arm_fp16"][:3])
    assert same_bits(mirrored, stored["heatmap_flipped_arm_fp16"][3:4])
    assert same_bits(whole, demo["full_heatmap_arm_fp16"])
    assert same_bits(places, demo["full_argmax_arm_fp16"])


def test_the_detector_has_the_bits_of_the_arm_kernels_on_all_outputs(
    shared: Path, half_model: MakeModel
) -> None:
    stored = np.load(shared / f"data/reference/arm/golden_{DETECTOR}.npz")

    with open_session(half_model(DETECTOR), "lite") as session:
        for image in (0, 1):
            outputs = session.run({"image": stored["image"][image : image + 1]})
            for number, found in enumerate(outputs.values()):
                assert same_bits(found, stored[f"out{number}_arm_fp16"][image : image + 1]), number


def test_the_sample_is_close_to_its_inference_model(sample: Path) -> None:
    persons = np.random.default_rng(0).normal(size=(2, 3, 128, 96)).astype(np.float32)
    with open_session(sample.parent / NAME, "paddle") as reference:
        expected = next(iter(reference.run({"image": persons}).values()))

    with open_session(sample, "lite") as session:
        outputs = session.run({"image": persons})
        again = session.run({"image": persons[1:]})

    found = next(iter(outputs.values()))
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - expected).max() > 0  # FP16 rounds
    for whole, part in zip(outputs.values(), again.values(), strict=True):
        assert same_bits(part, whole[1:])


def test_a_session_describes_itself(sample: Path) -> None:
    with open_session(sample, "lite") as session:
        assert f"{session.engine} {session.engine_version}" == (
            "ARM FP16 emulation, bit-exact on the golden set"
        )
        assert session.threads == 1
        assert session.inputs == (Tensor(name="image", shape=(None, 3, 128, 96), dtype="float32"),)
    with pytest.raises(UsageError, match="closed"):
        session.run({"image": np.zeros((1, 3, 128, 96), np.float32)})
    with pytest.raises(UsageError) as threads:
        open_session(sample, "lite", threads=2)
    assert threads.value.code == "threads-not-settable"


def test_a_file_for_an_older_runtime_is_not_called_bit_exact(sample: Path, tmp_path: Path) -> None:
    """That runtime computes sigmoids and means differently; the file states the version of opt."""
    older = tmp_path / "older.nb"
    data = sample.read_bytes()
    assert data[2:11] == b"v2.13-rc\0"
    older.write_bytes(data[:2] + b"v2.12\0\0\0\0" + data[11:])

    with open_session(older, "lite") as session:
        assert session.engine_version == "rounding of Paddle-Lite 2.13 and 2.14, not of v2.12"


def test_without_numba_the_error_says_what_to_install(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("zoo.runner.arm_fp16")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)

    with pytest.raises(MissingToolError) as caught:
        open_session(sample, "lite")

    assert (caught.value.code, caught.value.hint) == ("numba-missing", "pip install 'paddle-zoo[arm-fp16]'")


def test_feeds_that_do_not_match_the_inputs_are_refused(sample: Path) -> None:
    with open_session(sample, "lite") as session, pytest.raises(UsageError, match="image"):
        session.run({"image": np.zeros((1, 128, 96, 3), np.float32)})


def test_an_unsupported_kernel_is_refused_with_the_list(
    shared: Path, lite_model: Callable[[str, str], Path]
) -> None:
    with pytest.raises(ConversionError) as caught:
        Fp16Network(lite_model(DETECTOR, "arm"))
    assert caught.value.code == "fp16-op-unsupported"
    assert "98 x conv2d (kernel arm/float/def)" in str(caught.value.found)
    assert all(name in str(caught.value.expected) for name in KERNELS)


@pytest.mark.parametrize(
    ("operator", "other"), [(b"nearest_interp_v2", b"nearest_interp_v3"), (b"relu", b"gelu")]
)
def test_an_unsupported_operator_is_refused(
    sample: Path, tmp_path: Path, operator: bytes, other: bytes
) -> None:
    changed = tmp_path / "changed.nb"
    data = sample.read_bytes()
    assert operator in data
    changed.write_bytes(data.replace(operator, other))

    with pytest.raises(ConversionError) as caught:
        Fp16Network(changed)

    assert caught.value.code == "fp16-op-unsupported"
    assert other.decode() in str(caught.value.found)
    assert "zoo inspect" in str(caught.value.hint)


def test_damaged_and_missing_files_are_distinct_errors(sample: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.nb"
    torn.write_bytes(sample.read_bytes()[:-1000])

    with pytest.raises(IntegrityError):
        Fp16Network(torn)
    with pytest.raises(NotFoundError):
        Fp16Network(tmp_path / "absent.nb")


def test_threads_share_one_session(sample: Path) -> None:
    persons = np.random.default_rng(1).normal(size=(4, 1, 3, 128, 96)).astype(np.float32)

    def first(session: Session, person: np.ndarray) -> np.ndarray:
        return next(iter(session.run({"image": person}).values()))

    with open_session(sample, "lite") as session, ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda person: first(session, person), persons))
        for person, found in zip(persons, together, strict=True):
            assert same_bits(first(session, person), found)
