"""Training checkpoints: read without trusting them, write the safe form, fit them to a network.

A ``.pdparams`` file is a pickle, a program for a stack machine that may call anything. The standard
unpickler is therefore not used here, in this process or in any other: ``pickle_machine`` carries the
program out over inert symbols and knows only what arrays are made of.
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
