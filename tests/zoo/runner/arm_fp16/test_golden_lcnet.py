"""The LCNet detector with NMS in its graph: the bits of the ARM kernels of both builds, by operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import registry
from converters.formats.graph import Operator
from converters.inference.options import published_options
from converters.lite import LiteOptions
from converters.planning.execute import run_step
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from tests.conftest import ensured
from zoo.runner.arm_fp16 import KERNELS, Fp16Network
from zoo.runner.arm_fp16.kernel_spec import BoundOperator
from zoo.runner.arm_fp16.network import Observer, Step

NAME = "picodet_s_192_lcnet_pedestrian"
SIXTH = 0.16666670143604279  # what opt writes
Recorded = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden(shared: Path) -> Callable[[str], Recorded]:
    """Name of a file of recorded tensors to its content; skips where it is absent."""

    def read(name: str) -> Recorded:
        file = shared / "data/reference/arm2" / f"{name}.npz"
        if not file.is_file():
            pytest.skip(f"no recorded outputs of ARM kernels at {file}")
        with np.load(file) as stored:
            return dict(stored)

    return read


@pytest.fixture(scope="module")
def with_nms(
    shared: Path, toolchains: Toolchains, lite_python: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The detector in FP16 for ARM, with decoding and NMS in its graph, as it is published."""
    ensured(toolchains, PADDLE)
    folder, entry = tmp_path_factory.mktemp("lcnet"), registry.load().get(NAME)
    source = shared / f"data/weights/{NAME}.pdparams"
    steps = (
        (published_options(entry), folder / "inference"),
        (LiteOptions(target="arm", precision="fp16"), folder / "model.nb"),
    )
    for step, target in steps:
        run_step(
            step,
            source,
            target,
            entry=entry,
            toolchains=toolchains,
            work=folder / "work",
            note=lambda note: None,
        )
        source = target
    return source


def differing(recorded: Recorded, pattern: str, checked: set[str]) -> tuple[Observer, list[str]]:
    """Return a function that compares outputs of operators with recorded ones, and the names that differ."""
    wrong: list[str] = []

    def observe(step: Step, outputs: tuple[np.ndarray, ...]) -> None:
        names = [name for name in step.spec.outputs if step.operator.outputs.get(name)]
        # Several outputs of one parameter, as of a split, are not recorded.
        for name, found in zip(names, outputs, strict=False):
            key = pattern.format(number=step.number, type=step.operator.type, output=name)
            if key in recorded:
                checked.add(key)
                if not same_bits(found, recorded[key]):
                    wrong.append(key)

    return observe, wrong


def same_bits(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.size == expected.size and found.astype(expected.dtype).tobytes() == expected.tobytes()


def test_every_operator_has_the_bits_of_the_arm_kernel(
    golden: Callable[[str], Recorded], with_nms: Path
) -> None:
    recorded = golden(f"operators_{NAME}_nms")
    checked: set[str] = set()
    observe, wrong = differing(recorded, "{number:03d}_{type}_{output}", checked)

    Fp16Network(with_nms).run({name: recorded[name] for name in ("image", "scale_factor")}, observe)

    assert wrong == []
    assert checked == set(recorded) - {"image", "scale_factor"}


def test_boxes_and_rows_have_the_bits_of_the_arm_kernels(
    golden: Callable[[str], Recorded], with_nms: Path
) -> None:
    recorded, network = golden(f"golden_{NAME}"), Fp16Network(with_nms)

    for image in (3, 7):
        inner: Recorded = {}
        rows, _, *_ = network.run(
            {name: recorded[name][image : image + 1] for name in ("image", "scale_factor")},
            lambda step, outputs, inner=inner: inner.__setitem__(step.operator.type, outputs[0]),
        )
        count = recorded["nms_count"][image]
        assert same_bits(rows, recorded["nms_rows_arm_fp16"][image, :count])
        for operator, name in (
            ("softmax", "probabilities"),
            ("matmul_v2", "distances"),
            ("elementwise_mul", "boxes"),
            ("elementwise_div", "boxes_photo"),
        ):
            assert same_bits(inner[operator], recorded[f"{name}_arm_fp16"][image]), name


def test_a_build_without_fast_math_has_the_bits_of_its_kernels(
    golden: Callable[[str], Recorded], with_nms: Path
) -> None:
    recorded = golden("operators_without_fast_math")
    network = Fp16Network(with_nms, "no-fast-math")
    # The recorded network has no input scale_factor: its operators have numbers one lower.
    checked: set[str] = set()
    shifted = {_renumber(key): value for key, value in recorded.items()}
    observe, wrong = differing(shifted, "{number:03d}_{type}_out_clang_o3", checked)
    scores: list[np.ndarray] = []

    def watch(step: Step, outputs: tuple[np.ndarray, ...]) -> None:
        observe(step, outputs)
        if step.operator.type == "sqrt":
            scores.append(outputs[0])

    network.run({"image": recorded["image"], "scale_factor": np.ones((1, 2), np.float32)}, watch)

    assert wrong == []
    assert len(checked) == 14
    for level, found in enumerate(scores):
        assert same_bits(found, recorded[f"out{level}_clang_o3"])


def _renumber(key: str) -> str:
    number, _, rest = key.partition("_")
    return f"{int(number) + 1:03d}_{rest}" if number.isdecimal() else key


def test_the_two_builds_differ_in_sigmoids_and_hard_sigmoids_only(
    golden: Callable[[str], Recorded],
) -> None:
    recorded, changed = golden("operators_without_fast_math"), {"hard_sigmoid": 0, "sigmoid": 0}

    for key in [key for key in recorded if key.endswith("_x")]:
        kind = key[4:].removesuffix("_x")
        operator = Operator(kind, {}, {}, MappingProxyType({"slope": SIXTH, "offset": 0.5}))
        (published,), (without,) = (
            KERNELS[kind].build(BoundOperator(operator, {}, build))(recorded[key].astype(np.float64))
            for build in ("published", "no-fast-math")
        )
        expected = recorded[f"{key.removesuffix('_x')}_out_clang_o3"]
        assert same_bits(without, expected), key
        changed[kind] += np.count_nonzero(published != expected)

    assert changed == {"hard_sigmoid": 142, "sigmoid": 938}
