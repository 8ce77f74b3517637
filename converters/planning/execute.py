"""Running one step of a plan, and naming its result before it is made."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from converters.inference.options import InferenceOptions
from converters.lite import LiteOptions, lite_key
from converters.ncnn.options import NcnnOptions, ncnn_key
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions, onnx_key, quantize_key, refine_key
from converters.openvino.options import OpenvinoOptions, openvino_key
from converters.planning.plan import Step
from converters.tflite.options import TfliteOptions, tflite_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from registry.errors import UsageError
from registry.schema import Entry


def step_key(step: Step, inputs: Mapping[str, str], entry: Entry | None) -> str:
    """Name of a step's result: equal keys give equal bytes.

    Args:
        step: The conversion.
        inputs: Role (``weights``, or ``program`` and ``params``) to SHA-256.
        entry: Whose architecture weights have.
    """
    if key := _KEYS.get(type(step)):
        return key(inputs, step)
    # Imported here and below: exporting knows checkpoints and networks, and whoever runs a model that is in
    # the store already waits for neither.
    from converters.inference.export import export_key

    assert isinstance(step, InferenceOptions)
    return export_key(_needed(entry), inputs["weights"], step)


# What a step asks for to what names its result; an export from weights needs an entry too.
_KEYS: Mapping[type, Callable[[Mapping[str, str], Any], str]] = MappingProxyType(
    {
        LiteOptions: lite_key,
        OnnxOptions: onnx_key,
        RefineOptions: refine_key,
        QuantizeOptions: quantize_key,
        OpenvinoOptions: openvino_key,
        NcnnOptions: ncnn_key,
        TfliteOptions: tflite_key,
    }
)


def result_name(step: Step, stem: str) -> str:
    """File name of a step's result; empty for an inference, OpenVINO or ncnn model, which is a folder.

    Args:
        step: The conversion.
        stem: What is converted, for example an entry's name.
    """
    if isinstance(step, LiteOptions):
        extras: list[str] = [step.weight_only] if step.weight_only else []
        extras += ["sparse"] if step.sparse else []
        return "_".join([stem, step.target.replace(",", "-"), step.precision, *extras]) + ".nb"
    if isinstance(step, OnnxOptions):
        return f"{stem}_{step.precision}.onnx"
    if isinstance(step, RefineOptions):
        extras = ["half-ends"] if step.fp16_io else ["slim"] if step.precision == "fp32" else []
        return "_".join([stem, step.precision, *extras]) + ".onnx"
    if isinstance(step, QuantizeOptions):
        return f"{stem}_{'int8' if step.arithmetic == 'int8' else 'fp32_int8-weights'}.onnx"
    if isinstance(step, TfliteOptions):
        return f"{stem}_{step.weights}.tflite"
    return ""


def perform(
    step: Step,
    source: Path,
    out: Path,
    *,
    entry: Entry | None,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Path:
    """Runs one conversion.

    Args:
        step: The conversion.
        source: Weights file, or file or folder of an inference model.
        out: File to write; a folder for an inference model.
        entry: Whose architecture weights have.
        toolchains: Where tools are found or built.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment.

    Returns:
        ``out``.

    Raises:
        ZooError: As for ``to_lite``, ``to_onnx`` and ``export``.
    """
    if name := _CONVERTERS.get(type(step)):
        pkgutil.resolve_name(name)(source, out, step, toolchains=toolchains, work=work, note=note)
        return out
    from converters.checkpoints.stored_array import require_numpy
    from converters.inference.export import export, require_fitting_shapes

    assert isinstance(step, InferenceOptions)
    known = _needed(entry)
    # Before an interpreter with paddle is looked for and tried, which takes seconds, or built.
    require_fitting_shapes(known, source)
    require_numpy()
    export(
        known,
        source,
        step,
        out,
        interpreter=toolchains.ensure(PADDLE, note),
        work=work,
        log=work / "logs" / f"inference-{known.name}.log",
        note=note,
    )
    return out


# What a step asks for to what does it, imported when it is done: nobody needs all of them.
_CONVERTERS: Mapping[type, str] = MappingProxyType(
    {
        LiteOptions: "converters.lite.convert:to_lite",
        OnnxOptions: "converters.onnx.convert:to_onnx",
        RefineOptions: "converters.onnx.refine:refine",
        QuantizeOptions: "converters.onnx.quantize:quantize",
        OpenvinoOptions: "converters.openvino.convert:to_openvino",
        NcnnOptions: "converters.ncnn.convert:to_ncnn",
        TfliteOptions: "converters.tflite.convert:to_tflite",
    }
)


def _needed(entry: Entry | None) -> Entry:
    if entry is None:
        raise UsageError(
            "architecture-required",
            "a weights file does not say what network it belongs to",
            hint="add --architecture NAME; zoo list shows the names",
        )
    return entry
