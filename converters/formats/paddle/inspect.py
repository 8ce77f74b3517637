"""Inspection of Paddle inference models: a legacy or PIR program with its parameters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from converters.formats.bounded_io import combined_digest
from converters.formats.dataflow import (
    Dataflow,
    count_fused_operators,
    dataflow_from_blocks,
    detect_normalization,
)
from converters.formats.dtypes import storage_precision
from converters.formats.graph import Variable, as_tensor, count_operators, elements_by_dtype
from converters.formats.inspection import DetectedPrecision, Inspection
from converters.formats.kind import Kind
from converters.formats.paddle.pair_check import check_pair
from converters.formats.paddle.params import Params, read_params
from converters.formats.paddle.pir import PirProgram, read_pir
from converters.formats.paddle.program import Program, read_program

_FIRST_WITH_OPERATOR_VERSIONS = 2_000_000  # Paddle 2.0.0
QUANTIZERS = ("fake_quantize", "fake_channel_wise_quantize", "fake_dequantize", "quantize_linear")


def inspect_inference(path: Path, program_path: Path, kind: Kind, params_path: Path | None) -> Inspection:
    """Decode a program and its parameters, and check that they match.

    Args:
        path: The path the user gave: the folder or one of the files.
        program_path: The program.
        kind: ``Kind.PROGRAM`` or ``Kind.PIR``.
        params_path: The parameters; None when the file is missing.

    Raises:
        IntegrityError: One of the codes of ``read_program``, ``read_pir`` or ``read_params``, or
            ``program-params-mismatch``.
    """
    program = read_program(program_path) if kind is Kind.PROGRAM else read_pir(program_path)
    params = None if params_path is None else read_params(params_path)
    if params is not None:
        check_pair(program, params).require_match()
    digests = {file.path.name: file.sha256 for file in (program, params) if file is not None}
    sha256 = combined_digest(digests) if params else program.sha256
    # A quantized program declares floats where integers are stored.
    elements = elements_by_dtype(params.tensors) if params else _elements(program.parameters)
    flow = program_dataflow(program)
    operators = count_operators(program.blocks) if isinstance(program, Program) else {**program.operators}
    return Inspection(
        path=path,
        format="program" if isinstance(program, Program) else "pir",
        size=program.size + (params.size if params else 0),
        sha256=sha256,
        canonical_sha256=sha256,
        made_by=program.made_by if isinstance(program, Program) else f"pir version {program.version}",
        precision=_detect_precision(operators, elements),
        weights_precision=storage_precision(elements),
        inputs=tuple(as_tensor(variable) for variable in program.inputs),
        outputs=tuple(as_tensor(variable) for variable in program.outputs),
        operators=operators,
        parameters=len(params.tensors) if params else None,
        elements=params.elements if params else None,
        weights_sha256=params.weights_sha256 if params else None,
        fused=count_fused_operators(flow.operators),
        normalization=detect_normalization(flow),
        details=_details(program, params, elements),
        warnings=tuple(_warnings(program, params)),
    )


def inspect_params(path: Path) -> Inspection:
    """Inspect combined parameters without a program."""
    params = read_params(path)
    elements = elements_by_dtype(params.tensors)
    return Inspection(
        path=path,
        format="params",
        size=params.size,
        sha256=params.sha256,
        canonical_sha256=params.sha256,
        weights_precision=storage_precision(elements),
        parameters=len(params.tensors),
        elements=params.elements,
        weights_sha256=params.weights_sha256,
        details={"parameter_elements": {**elements}},
        warnings=("The program file is missing: names of parameters, inputs and outputs are unknown.",),
    )


def program_dataflow(program: Program | PirProgram) -> Dataflow:
    """Return the graph of a legacy or PIR program."""
    if isinstance(program, PirProgram):
        return program.dataflow
    return dataflow_from_blocks(program.blocks, program.inputs, program.outputs)


def _elements(parameters: Iterable[Variable]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for variable in parameters:
        if variable.dtype and variable.dims is not None and min(variable.dims, default=0) >= 0:
            totals[variable.dtype] += math.prod(variable.dims)
    return dict(sorted(totals.items()))


def _detect_precision(operators: Mapping[str, int], elements: Mapping[str, int]) -> DetectedPrecision | None:
    """Detect the precision: Paddle computes in the type of the weights, except between quantizers."""
    if any(name.startswith(QUANTIZERS) for name in operators):
        return "int8"
    return storage_precision(elements)


def _details(
    program: Program | PirProgram, params: Params | None, elements: Mapping[str, int]
) -> dict[str, JsonValue]:
    return {
        "files": [file.path.name for file in (program, params) if file is not None],
        "version": program.version,
        "declared_parameters": len(program.parameters),
        "parameter_elements": {**elements},
        "blocks": len(program.blocks) if isinstance(program, Program) else None,
    }


def _warnings(program: Program | PirProgram, params: Params | None) -> Iterable[str]:
    if params is None and program.parameters:
        yield f"The file with the {len(program.parameters)} parameters is missing: the model cannot run."
    if not program.inputs:
        yield "The program has no inputs: it is not an inference model."
    if not program.outputs:
        yield "The program has no outputs: it is not an inference model."
    if (
        isinstance(program, Program)
        and program.version >= _FIRST_WITH_OPERATOR_VERSIONS
        and program.operator_versions is None
    ):
        yield "The table of operator versions at the end of the file is missing: the file may be truncated."
    if isinstance(program, PirProgram):
        yield "Paddle-Lite reads only legacy programs: to convert, export again with FLAGS_enable_pir_api=0."
