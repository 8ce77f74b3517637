"""Training checkpoints: read untrusted files, write safetensors, compare with an architecture.

A ``.pdparams`` file is a pickle: a program for a stack machine that can call any function. This package never
uses the standard unpickler, in this process or in another. ``pickle_evaluator`` evaluates the program over
inert symbols and supports only the operations that arrays need.
"""

from __future__ import annotations

from converters.checkpoints.checkpoint import Checkpoint
from converters.checkpoints.read import read_weights, summarize
from converters.checkpoints.state_dict_diff import (
    Mismatch,
    ShapeDifference,
    compare_state_dict,
    require_match,
)
from converters.checkpoints.summary import WeightsSummary, WeightTensor
from converters.checkpoints.write import write_safetensors

__all__ = [
    "Checkpoint",
    "Mismatch",
    "ShapeDifference",
    "WeightTensor",
    "WeightsSummary",
    "compare_state_dict",
    "read_weights",
    "require_match",
    "summarize",
    "write_safetensors",
]
