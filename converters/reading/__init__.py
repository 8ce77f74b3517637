"""Looks into artifacts of every format, in pure Python, and proves what they are.

Nothing here loads a native library, allocates by a number it has not checked against the size of the file, or
executes anything a file contains. Names are imported on first use, so that ``import converters.reading``
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converters.reading.dispatch import inspect, read_flow
    from converters.reading.flow import Flow
    from converters.reading.inspection import Inspection, Tensor
    from converters.reading.magic import HEAD_BYTES, Kind, refuse_stand_in, sniff
    from converters.reading.nb import NbFile, canonical_nb, read_nb
    from converters.reading.onnx_model import OnnxModel, read_onnx
    from converters.reading.pair import PairReport, check_pair
    from converters.reading.params import Params, read_params
    from converters.reading.pir import PirProgram, read_pir
    from converters.reading.program import Program, read_program

__all__ = [
    "HEAD_BYTES",
    "Flow",
    "Inspection",
    "Kind",
    "NbFile",
    "OnnxModel",
    "PairReport",
    "Params",
    "PirProgram",
    "Program",
    "Tensor",
    "canonical_nb",
    "check_pair",
    "inspect",
    "read_flow",
    "read_nb",
    "read_onnx",
    "read_params",
    "read_pir",
    "read_program",
    "refuse_stand_in",
    "sniff",
]

_HOMES = {
    "dispatch": ("inspect", "read_flow"),
    "flow": ("Flow",),
    "inspection": ("Inspection", "Tensor"),
    "magic": ("HEAD_BYTES", "Kind", "refuse_stand_in", "sniff"),
    "nb": ("NbFile", "canonical_nb", "read_nb"),
    "onnx_model": ("OnnxModel", "read_onnx"),
    "pair": ("PairReport", "check_pair"),
    "params": ("Params", "read_params"),
    "pir": ("PirProgram", "read_pir"),
    "program": ("Program", "read_program"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
