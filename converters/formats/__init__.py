"""Readers that inspect model files of every supported format, in pure Python.

Covered: Paddle-Lite ``.nb``, legacy Paddle programs, PIR programs, combined parameters, ONNX, OpenVINO IR,
ncnn, TensorFlow Lite, training checkpoints, archives and YAML configurations.

The readers load no native library, check every size in a file against the size of the file before they
allocate memory, and execute nothing that a file contains. Names are imported on first use, so
``import converters.formats`` stays fast.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converters.formats.dataflow import Dataflow
    from converters.formats.inspection import Inspection, Tensor
    from converters.formats.kind import HEAD_BYTES, Kind, reject_placeholder, sniff
    from converters.formats.onnx.model import OnnxModel, read_onnx
    from converters.formats.paddle.pair_check import PairReport, check_pair
    from converters.formats.paddle.params import Params, read_params
    from converters.formats.paddle.pir import PirProgram, read_pir
    from converters.formats.paddle.program import Program, read_program
    from converters.formats.paddle_lite.nb import NbFile, canonical_nb, read_nb
    from converters.formats.readers import inspect, read_dataflow

__all__ = [
    "HEAD_BYTES",
    "Dataflow",
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
    "read_dataflow",
    "read_nb",
    "read_onnx",
    "read_params",
    "read_pir",
    "read_program",
    "reject_placeholder",
    "sniff",
]


def __getattr__(name: str) -> object:
    module: ModuleType
    match name:
        case "inspect" | "read_dataflow":
            from converters.formats import readers as module
        case "Dataflow":
            from converters.formats import dataflow as module
        case "Inspection" | "Tensor":
            from converters.formats import inspection as module
        case "HEAD_BYTES" | "Kind" | "reject_placeholder" | "sniff":
            from converters.formats import kind as module
        case "NbFile" | "canonical_nb" | "read_nb":
            from converters.formats.paddle_lite import nb as module
        case "OnnxModel" | "read_onnx":
            from converters.formats.onnx import model as module
        case "PairReport" | "check_pair":
            from converters.formats.paddle import pair_check as module
        case "Params" | "read_params":
            from converters.formats.paddle import params as module
        case "PirProgram" | "read_pir":
            from converters.formats.paddle import pir as module
        case "Program" | "read_program":
            from converters.formats.paddle import program as module
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
