"""Inspection of a decoded Lite model: target, precision and requirements of the runtime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from converters.formats.dataflow import count_fused_operators, dataflow_from_blocks, detect_normalization
from converters.formats.dtypes import storage_precision
from converters.formats.graph import FEED, FETCH, Operator, as_tensor, count_operators, elements_by_dtype
from converters.formats.inspection import DetectedPrecision, Inspection, Runtime
from converters.formats.paddle_lite.nb import NbFile

# Operators that move or retype data; their kernels do not affect the arithmetic precision.
_DATA_MOVEMENT = frozenset(
    {FEED, FETCH, "calib", "calib_once", "io_copy", "io_copy_once", "layout", "layout_once"}
)

# Targets of opt, the most specific first: a GPU file also has host and arm kernels.
_FAMILIES = ("opencl", "metal", "nnadapter", "xpu", "npu", "arm", "x86", "host")

# 2023-03-30, between 2.13rc0 and 2.14rc0: the fp16 kernels of the element-wise operators got a new alias.
# A runtime has only the alias of its version.
_OLD_FP16_ALIAS, _NEW_FP16_ALIAS = "def", "def_fp16"
_LAST_WITH_OLD, _FIRST_WITH_NEW = "2.13rc0", "2.14rc0"

_PHONE = ("arm64-v8a", "armeabi-v7a")
_ABIS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"arm": _PHONE, "opencl": _PHONE, "x86": ("x86_64",), "host": (*_PHONE, "x86_64")}
)


def inspect_nb(nb: NbFile) -> Inspection:
    """Inspect a decoded Lite model."""
    elements = elements_by_dtype(nb.parameters)
    flow = dataflow_from_blocks(nb.blocks, nb.inputs, nb.outputs)
    return Inspection(
        path=nb.path,
        format="lite",
        size=nb.size,
        sha256=nb.sha256,
        canonical_sha256=nb.canonical_sha256,
        made_by=f"opt {nb.opt_version}",
        target=target_family(nb),
        precision=detect_precision(nb),
        weights_precision=storage_precision(elements),
        inputs=tuple(as_tensor(variable) for variable in nb.inputs),
        outputs=tuple(as_tensor(variable) for variable in nb.outputs),
        operators=count_operators(nb.blocks),
        parameters=len(nb.parameters),
        elements=sum(elements.values()),
        weights_sha256=nb.weights_sha256,
        fused=count_fused_operators(flow.operators),
        normalization=detect_normalization(flow),
        runtime=runtime_requirements(nb),
        details=_details(nb, elements),
        warnings=tuple(_warnings(nb)),
    )


def target_family(nb: NbFile) -> str:
    """Return the target of the file; ``host`` when all kernels are plain C++, ``unknown`` without kernels."""
    present = {operator.kernel.target for operator in nb.operators if operator.kernel}
    return next((family for family in _FAMILIES if family in present), min(present, default="unknown"))


def detect_precision(nb: NbFile) -> DetectedPrecision | None:
    """Detect the arithmetic precision from the kernels, not from sizes or stored types.

    ``fp16`` requires both traces of opt: fp16 kernels and weights marked for rounding to fp16. fp16 kernels
    without marked weights are ``mixed``, and so are integer kernels together with fp16 ones. Integer kernels
    together with fp32 ones are ``int8``, the usual form of a quantized file.

    Returns:
        The precision; None where the file does not decide it: OpenCL kernels are always registered as fp16,
        and the app selects fp16 or fp32 when it loads the model.
    """
    if target_family(nb) == "opencl":
        return None
    present = {operator.kernel.precision for operator in _arithmetic_operators(nb) if operator.kernel}
    if "int8_t" in present:
        return "mixed" if "float16" in present else "int8"
    if "float16" in present:
        return "fp16" if nb.fp16_weights else "mixed"
    return "fp32" if "float" in present else None


def elementwise_alias(nb: NbFile) -> str | None:
    """Return the alias of the fp16 element-wise kernels, ``mixed`` for several, None without any."""
    aliases = {
        operator.kernel.alias
        for operator in nb.operators
        if operator.kernel and operator.kernel.precision == "float16" and "elementwise" in operator.type
    }
    return next(iter(aliases)) if len(aliases) == 1 else "mixed" if aliases else None


def _arithmetic_operators(nb: NbFile) -> Iterable[Operator]:
    return (operator for operator in nb.operators if operator.type not in _DATA_MOVEMENT)


def _details(nb: NbFile, elements: dict[str, int]) -> dict[str, JsonValue]:
    kernels = [operator.kernel for operator in nb.operators if operator.kernel]
    details: dict[str, JsonValue] = {
        "meta_version": nb.meta_version,
        "opt_version": nb.opt_version,
        "targets": _count(kernel.target for kernel in kernels),
        "kernel_precisions": _count(kernel.precision for kernel in kernels),
        "kernels": _count(
            f"{op.type} {op.kernel.target}/{op.kernel.precision}/{op.kernel.alias}"
            for op in nb.operators
            if op.kernel and op.type not in (FEED, FETCH)
        ),
        "calibrations": _count(operator.kernel.alias for operator in nb.calibrations if operator.kernel),
        "fp16_weights": len(nb.fp16_weights),
        "quantized_weights": len(nb.quantized_weights),
        "fp32_operators": _fp32_operators(nb),
        "elementwise_alias": elementwise_alias(nb),
        "parameter_elements": {**elements},
        "blocks": len(nb.blocks),
    }
    return details


def _fp32_operators(nb: NbFile) -> dict[str, JsonValue]:
    """Count the operators of an fp16 file that compute in fp32; integer kernels are registered as float."""
    if not nb.fp16_weights:
        return {}
    kept = (
        operator
        for operator in _arithmetic_operators(nb)
        if operator.kernel and operator.kernel.precision == "float"
    )
    return _count(op.type for op in kept if op.kernel and not op.kernel.alias.startswith("int"))


def _count(values: Iterable[str]) -> dict[str, JsonValue]:
    return {**dict(sorted(Counter(values).items()))}


def runtime_requirements(nb: NbFile) -> Runtime:
    """Derive the requirements of an app from the kernels that the file names.

    Switches are those of Paddle-Lite's build scripts. The version bounds come only from the fp16 element-wise
    kernels, whose alias changed; the next version loads an fp32 file with a warning.
    """
    target = target_family(nb)
    uses_fp16 = any(op.kernel and op.kernel.precision == "float16" for op in nb.operators)
    alias = elementwise_alias(nb) if uses_fp16 and target != "opencl" else None
    build: tuple[str, ...] = ()
    processor: str | None = None
    if target == "opencl":
        build, processor = ("LITE_WITH_OPENCL=ON",), "a GPU with an OpenCL driver"
    elif uses_fp16:
        build = ("LITE_WITH_ARM82_FP16=ON",)
        processor = "FP16 arithmetic (ARMv8.2-A: Cortex-A55, A75 and later)"
    return Runtime(
        made_for=nb.opt_version,
        min_version=_FIRST_WITH_NEW if alias == _NEW_FP16_ALIAS else None,
        max_version=_LAST_WITH_OLD if alias == _OLD_FP16_ALIAS else None,
        abi=_ABIS.get(target, ()),
        build=build,
        processor=processor,
    )


def _warnings(nb: NbFile) -> Iterable[str]:
    yield f"Load it with the Paddle-Lite runtime of version {nb.opt_version}: others warn and may abort."
    yield from _target_warnings(nb)
    yield from _fp16_warnings(nb)
    if not nb.inputs:
        yield "The model has no inputs: its source was a damaged or a training program."
    if not nb.outputs:
        yield "The model has no outputs: opt writes such a file from a truncated program without an error."
    if nb.trailing:
        yield f"{nb.trailing} bytes follow the last parameter: the file has extra or lost data."
    if any(operator.kernel is None for operator in nb.operators):
        yield "Some operators have no kernel: a runtime cannot load them."


def _target_warnings(nb: NbFile) -> Iterable[str]:
    target = target_family(nb)
    if target == "x86":
        yield "The target is x86: the file suits tests on a computer, not a phone."
    elif target == "opencl":
        yield "For OpenCL, the app selects fp16 or fp32 at load time; the file does not decide it."
    elif target not in {"arm", "host"}:
        yield f"The target is {target}: the file runs only with that accelerator and its driver."


def _fp16_warnings(nb: NbFile) -> Iterable[str]:
    uses_fp16 = any(op.kernel and op.kernel.precision == "float16" for op in _arithmetic_operators(nb))
    if target_family(nb) == "opencl":
        return
    if nb.fp16_weights and not uses_fp16:
        yield "Weights are marked for rounding to fp16, but no kernel computes in fp16."
    if not uses_fp16:
        return
    yield "On a CPU without FP16 arithmetic (Cortex-A53, A57) the app crashes with an illegal instruction."
    if not nb.fp16_weights:
        yield "Kernels compute in fp16, but no weight is marked for rounding to fp16."
    alias = elementwise_alias(nb)
    if alias == _OLD_FP16_ALIAS:
        yield "Its fp16 element-wise kernels exist up to 2.13rc0: later runtimes abort on loading it."
    elif alias == _NEW_FP16_ALIAS:
        yield "Its fp16 element-wise kernels exist since 2.14rc0: earlier runtimes abort on loading it."
    elif alias is not None:
        yield f"No known runtime has its fp16 element-wise kernels (alias {alias})."
