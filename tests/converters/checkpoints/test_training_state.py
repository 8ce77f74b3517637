"""Files of training loops: the network is found among optimizers, averages and counters."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from converters.checkpoints import read_weights, summarize, write_safetensors
from converters.checkpoints.checkpoint import Checkpoint
from converters.checkpoints.training_state import training_tensors
from converters.formats import inspect

ONE, TWO = np.ones(2, np.float32), np.full((2, 3), 2, np.float32)
PARAMETERS = {"conv.weight": TWO, "conv.bias": ONE}
OPTIMIZER = {"conv2d_0.w_0_moment1_0": TWO, "conv2d_0.w_0_beta1_pow_acc_0": ONE}


def written(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=4))
    return path


@pytest.mark.parametrize(
    ("content", "ignored"),
    [
        pytest.param(PARAMETERS, (), id="state dict alone"),
        pytest.param({"state_dict": PARAMETERS}, (), id="wrapped"),
        pytest.param(
            {"epoch": 3, "model": PARAMETERS, "optimizer": OPTIMIZER | {"LR_Scheduler": {"last_epoch": 3}}},
            ("epoch", "optimizer"),
            id="with optimizer",
        ),
        pytest.param(
            {"state_dict": PARAMETERS, "ema_state_dict": {"conv.weight": ONE}}, ("ema_state_dict",), id="EMA"
        ),
        pytest.param({"ema": PARAMETERS, "epoch": 3}, ("epoch",), id="EMA alone"),
        pytest.param(PARAMETERS | OPTIMIZER | {"epoch": 3}, (*OPTIMIZER, "epoch"), id="flat"),
        pytest.param(
            PARAMETERS | {"ema.conv.weight": ONE, "conv.bias_ema_0": ONE},
            ("ema.conv.weight", "conv.bias_ema_0"),
            id="flat EMA",
        ),
        pytest.param(
            {"state_dict": PARAMETERS | OPTIMIZER | {"StructuredToParameterName@@": {"conv.bias": "b_0"}}},
            tuple(OPTIMIZER),
            id="wrapped and flat",
        ),
    ],
)
def test_parameters_are_found(tmp_path: Path, content: object, ignored: tuple[str, ...]) -> None:
    path = written(tmp_path / "own.pdparams", content)
    read = read_weights(path)
    assert list(read) == list(PARAMETERS)
    assert all((read[name] == array).all() for name, array in PARAMETERS.items())

    summary = summarize(path)
    assert summary.ignored == ignored
    assert summary.shapes == read.shapes
    assert any("ignored" in warning for warning in inspect(path).warnings) == bool(ignored)


def test_averages_without_their_parameters_are_parameters() -> None:
    assert training_tensors(["ema.conv.weight", "conv.bias"]) == []
    assert training_tensors(["conv.moment_1", "moment1_0", "velocity"]) == []


def test_safetensors_lose_the_same_tensors(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    write_safetensors(Checkpoint("weights", PARAMETERS | OPTIMIZER, {}), path, {})
    assert dict(read_weights(path)).keys() == PARAMETERS.keys()
    assert sorted(summarize(path).ignored) == sorted(OPTIMIZER)
