"""Runs one step of a plan, and computes its cache key and file name in advance."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from converters.inference.options import InferenceOptions
from converters.lite import LiteOptions, lite_key
from converters.ncnn.options import NcnnOptions, ncnn_key
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions, onnx_key, quantize_key, refine_key
from converters.openvino.options import OpenvinoOptions, openvino_key
from converters.planning.plan import Step, architecture_required
from converters.tflite.options import TfliteOptions, tflite_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE
from registry.schema import Entry

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST_STEM = 80

# Options of a step to the function that computes its key; a step that starts from weights needs an entry too.
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


def step_key(step: Step, inputs: Mapping[str, str], entry: Entry | None) -> str:
    """Compute the cache key of a step: equal keys give equal bytes.

    Args:
        step: The conversion.
        inputs: Role (``weights``, or ``program`` and ``params``) to SHA-256.
        entry: The entry whose architecture the weights have.
    """
    if key := _KEYS.get(type(step)):
        return key(inputs, step)
    # Imported here: the export needs checkpoints and networks, which a command that finds its model in the
    # cache does not.
    from converters.inference.export import inference_key

    assert isinstance(step, InferenceOptions)
    return inference_key(_require_entry(entry), inputs["weights"], step)


def safe_stem(name: str) -> str:
    """Return a name that is valid in file names and cache keys; a valid name is not changed.

    Args:
        name: Any name, for example of a user's file: with spaces, brackets, any script and any length.
    """
    plain = _NOT_PLAIN.sub("_", name).lstrip(".-+")[:_LONGEST_STEM]
    if plain and plain == name:
        return name
    # The digest separates names that differ only in the replaced characters.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else digest


def result_name(step: Step, stem: str) -> str:
    """Return the file name of the result; empty for inference, OpenVINO and ncnn models, which are folders.

    Args:
        step: The conversion.
        stem: Name of the source, for example the name of an entry.
    """
    if isinstance(step, LiteOptions):
        extras: list[str] = [step.weight_only] if step.weight_only else []
        extras += ["sparse"] if step.sparse else []
        return "_".join([stem, step.target.replace(",", "-"), step.precision, *extras]) + ".nb"
    if isinstance(step, OnnxOptions):
        return f"{stem}_{step.precision}.onnx"
    if isinstance(step, RefineOptions):
        extras = ["fp16-io"] if step.fp16_io else ["slim"] if step.precision == "fp32" else []
        return "_".join([stem, step.precision, *extras]) + ".onnx"
    if isinstance(step, QuantizeOptions):
        return f"{stem}_{'int8' if step.arithmetic == 'int8' else 'fp32_int8-weights'}.onnx"
    if isinstance(step, TfliteOptions):
        return f"{stem}_{step.weights}.tflite"
    return ""


def run_step(
    step: Step,
    source: Path,
    out: Path,
    *,
    entry: Entry | None,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Path:
    """Run one conversion.

    Args:
        step: The conversion.
        source: Weights file, or file or folder of an inference model.
        out: File to write; a folder for an inference model.
        entry: The entry whose architecture the weights have.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages.

    Returns:
        ``out``.

    Raises:
        ZooError: As for the ``run_…_job`` functions.
    """
    if isinstance(step, InferenceOptions):
        _run_export(step, source, out, _require_entry(entry), toolchains=toolchains, work=work, note=note)
    else:
        _converters()[type(step)](source, out, step, toolchains=toolchains, work=work, note=note)
    return out


def _converters() -> Mapping[type, Callable[..., object]]:
    """Map the options of a step to the function that runs it."""
    # Imported here: planning and cache look-ups need none of them.
    from converters.lite.convert import run_lite_job
    from converters.ncnn.convert import run_ncnn_job
    from converters.onnx.convert import run_onnx_job
    from converters.onnx.quantize import run_quantize_job
    from converters.onnx.refine import run_refine_job
    from converters.openvino.convert import run_openvino_job
    from converters.tflite.convert import run_tflite_job

    return {
        LiteOptions: run_lite_job,
        OnnxOptions: run_onnx_job,
        RefineOptions: run_refine_job,
        QuantizeOptions: run_quantize_job,
        OpenvinoOptions: run_openvino_job,
        NcnnOptions: run_ncnn_job,
        TfliteOptions: run_tflite_job,
    }


def _run_export(
    step: InferenceOptions,
    weights: Path,
    out: Path,
    entry: Entry,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> None:
    from converters.checkpoints.stored_array import require_numpy
    from converters.inference.export import require_fitting_shapes, run_inference_job

    # First, because finding an interpreter with paddle takes seconds, and building an environment minutes.
    require_fitting_shapes(entry, weights)
    require_numpy()
    run_inference_job(
        entry,
        weights,
        step,
        out,
        interpreter=toolchains.ensure(PADDLE, note),
        work=work,
        log=work / "logs" / f"inference-{entry.name}.log",
        note=note,
    )


def _require_entry(entry: Entry | None) -> Entry:
    if entry is None:
        raise architecture_required()
    return entry
