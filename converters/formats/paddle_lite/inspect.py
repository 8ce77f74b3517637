"""What a decoded Lite model proves: its target, its precision, and what a phone needs to run it."""

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

# Operators that only move or re-type data; their kernels say nothing about the arithmetic of the network.
_CARRIERS = frozenset(
    {FEED, FETCH, "calib", "calib_once", "io_copy", "io_copy_once", "layout", "layout_once"}
)

# The processors one may ask opt for, the most specific first: a GPU file also holds host and arm kernels.
_FAMILIES = ("opencl", "metal", "nnadapter", "xpu", "npu", "arm", "x86", "host")

# 2023-03-30, between 2.13rc0 and 2.14rc0: the half kernels of the element-wise operators got their own alias,
# and a runtime knows only the aliases of its own side of that date.
_OLD_ALIAS, _NEW_ALIAS = "def", "def_fp16"
_LAST_WITH_OLD, _FIRST_WITH_NEW = "2.13rc0", "2.14rc0"

_PHONE = ("arm64-v8a", "armeabi-v7a")
_ABIS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"arm": _PHONE, "opencl": _PHONE, "x86": ("x86_64",), "host": (*_PHONE, "x86_64")}
)


def inspect_nb(nb: NbFile) -> Inspection:
    """The inspection of a decoded Lite model."""
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
    """The processor the file was made for; ``host`` when all are plain C++, ``unknown`` without any."""
    present = {operator.kernel.target for operator in nb.operators if operator.kernel}
    return next((family for family in _FAMILIES if family in present), min(present, default="unknown"))


def detect_precision(nb: NbFile) -> DetectedPrecision | None:
    """The arithmetic of the kernels, from what they carry and never from sizes or stored types.

    ``fp16`` takes both signs opt leaves: kernels in half and weights marked to be rounded to half. Half
    kernels without marked weights are ``mixed``. Integers beside half are ``mixed`` as well; integers beside
    single are what a quantized file looks like.

    Returns:
        The precision; None where the file does not decide it: OpenCL kernels are always registered as half,
        and the app chooses half or single when it loads the model.
    """
    if target_family(nb) == "opencl":
        return None
    present = {operator.kernel.precision for operator in _arithmetic(nb) if operator.kernel}
    if "int8_t" in present:
        return "mixed" if "float16" in present else "int8"
    if "float16" in present:
        return "fp16" if nb.fp16_weights else "mixed"
    return "fp32" if "float" in present else None


def elementwise_alias(nb: NbFile) -> str | None:
    """Alias of the half element-wise kernels, ``mixed`` when both occur; None when there are none."""
    aliases = {
        operator.kernel.alias
        for operator in nb.operators
        if operator.kernel and operator.kernel.precision == "float16" and "elementwise" in operator.type
    }
    return next(iter(aliases)) if len(aliases) == 1 else "mixed" if aliases else None


def _arithmetic(nb: NbFile) -> Iterable[Operator]:
    return (operator for operator in nb.operators if operator.type not in _CARRIERS)


def _details(nb: NbFile, elements: dict[str, int]) -> dict[str, JsonValue]:
    kernels = [operator.kernel for operator in nb.operators if operator.kernel]
    details: dict[str, JsonValue] = {
        "meta_version": nb.meta_version,
        "opt_version": nb.opt_version,
        "targets": _counted(kernel.target for kernel in kernels),
        "kernel_precisions": _counted(kernel.precision for kernel in kernels),
        "kernels": _counted(
            f"{op.type} {op.kernel.target}/{op.kernel.precision}/{op.kernel.alias}"
            for op in nb.operators
            if op.kernel and op.type not in (FEED, FETCH)
        ),
        "calibrations": _counted(operator.kernel.alias for operator in nb.calibrations if operator.kernel),
        "fp16_weights": len(nb.fp16_weights),
        "quantized_weights": len(nb.quantized_weights),
        "fp32_operators": _fp32_operators(nb),
        "elementwise_alias": elementwise_alias(nb),
        "parameter_elements": {**elements},
        "blocks": len(nb.blocks),
    }
    return details


def _fp32_operators(nb: NbFile) -> dict[str, JsonValue]:
    """Operators that stay in single precision inside a half file; integer kernels are registered as float."""
    if not nb.fp16_weights:
        return {}
    kept = (
        operator for operator in _arithmetic(nb) if operator.kernel and operator.kernel.precision == "float"
    )
    return _counted(op.type for op in kept if op.kernel and not op.kernel.alias.startswith("int"))


def _counted(values: Iterable[str]) -> dict[str, JsonValue]:
    return {**dict(sorted(Counter(values).items()))}


def runtime_requirements(nb: NbFile) -> Runtime:
    """What an app must bring to run the file, from the kernels it names.

    Switches are those of Paddle-Lite's build scripts. The bounds on versions come from the half element-wise
    kernels alone, whose alias changed; single-precision files of one version load in the next with a warning.
    """
    target = target_family(nb)
    half = any(op.kernel and op.kernel.precision == "float16" for op in nb.operators)
    generation = elementwise_alias(nb) if half and target != "opencl" else None
    build: tuple[str, ...] = ()
    processor: str | None = None
    if target == "opencl":
        build, processor = ("LITE_WITH_OPENCL=ON",), "a GPU with an OpenCL driver"
    elif half:
        build = ("LITE_WITH_ARM82_FP16=ON",)
        processor = "half-precision arithmetic (ARMv8.2-A FP16: Cortex-A55, A75 and later)"
    return Runtime(
        made_for=nb.opt_version,
        min_version=_FIRST_WITH_NEW if generation == _NEW_ALIAS else None,
        max_version=_LAST_WITH_OLD if generation == _OLD_ALIAS else None,
        abi=_ABIS.get(target, ()),
        build=build,
        processor=processor,
    )


def _warnings(nb: NbFile) -> Iterable[str]:
    yield f"Load it with a Paddle-Lite runtime of version {nb.opt_version}; others warn and may abort."
    yield from _target_warnings(nb)
    yield from _half_warnings(nb)
    if not nb.inputs:
        yield "The network has no inputs: it was made from a damaged or a training program."
    if not nb.outputs:
        yield "The network has no outputs: opt makes such a file from a truncated program without saying so."
    if nb.trailing:
        yield f"{nb.trailing} bytes follow the last parameter: the file was appended to or torn apart."
    if any(operator.kernel is None for operator in nb.operators):
        yield "Some operators name no kernel: a runtime cannot load them."


def _target_warnings(nb: NbFile) -> Iterable[str]:
    target = target_family(nb)
    if target == "x86":
        yield "It is built for x86: good for checks on a computer, not for a phone."
    elif target == "opencl":
        yield "The app chooses half or single precision for OpenCL at load time; the file does not decide it."
    elif target not in {"arm", "host"}:
        yield f"It is built for {target}: it runs only where that accelerator and its driver are."


def _half_warnings(nb: NbFile) -> Iterable[str]:
    half = any(op.kernel and op.kernel.precision == "float16" for op in _arithmetic(nb))
    if target_family(nb) == "opencl":
        return
    if nb.fp16_weights and not half:
        yield "Weights are marked to be rounded to half, but no kernel computes in half."
    if not half:
        return
    yield "On a CPU without half-precision arithmetic (Cortex-A53, A57) it dies with an illegal instruction."
    if not nb.fp16_weights:
        yield "Kernels compute in half, but no weight is marked to be rounded to half."
    generation = elementwise_alias(nb)
    if generation == _OLD_ALIAS:
        yield "Its half element-wise kernels are those up to 2.13rc0: later runtimes abort on loading it."
    elif generation == _NEW_ALIAS:
        yield "Its half element-wise kernels are those since 2.14rc0: earlier runtimes abort on loading it."
    elif generation is not None:
        yield f"No runtime is known that has its half element-wise kernels (alias {generation})."
