"""Options of a Lite file, and the combinations that opt accepts but does not honor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from converters.choices import WeightOnly
from converters.provenance.statement import conversion_key
from converters.toolchain.pins import DEFAULT_LITE_VERSION
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

LiteTarget = Literal["arm", "x86", "opencl", "opencl,arm", "opencl,x86"]
"""One processor, or a GPU and the fallback processor for operators without a GPU kernel, in this order."""

# opt silently accepts other orders and pairs, and writes another file than the target suggests.
_MISINTERPRETED = {
    frozenset({"arm", "x86"}): "opt then takes arm kernels only, and the file does not run on x86",
    frozenset({"arm", "opencl"}): "with arm first, opt scatters a few OpenCL kernels among arm ones",
    frozenset({"x86", "opencl"}): "with x86 first, opt scatters a few OpenCL kernels among x86 ones",
}


class LiteOptions(Model):
    """Options of a Lite file.

    Attributes:
        target: Processor: ``arm`` for phones, ``x86`` for checks on a computer, ``opencl`` for GPUs, alone or
            with a fallback processor.
        precision: Arithmetic of the kernels; ``fp32`` and ``fp16`` store weights as FP32. ``int8`` applies to
            quantized models only, whose files compute in INT8 with the default ``fp32``, too.
        version: Version of Paddle-Lite; the runtime in the app must have the same version.
        weight_only: Integer type for stored weights, which are dequantized when the file is loaded; the
            arithmetic does not change. None stores the weights unquantized.
        sparse: Store 1x1 convolutions with mostly zero weights as sparse layers.
    """

    target: LiteTarget = "arm"
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    version: str = DEFAULT_LITE_VERSION
    weight_only: WeightOnly | None = None
    sparse: bool = False

    @property
    def family(self) -> str:
        """The processor whose kernels the file contains."""
        return self.target.partition(",")[0]


def lite_key(inputs: Mapping[str, str], options: LiteOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``program`` and ``params`` to their SHA-256.
        options: Options of the Lite file.
    """
    return conversion_key(
        "lite", inputs=inputs, tools={"paddlelite": options.version}, options=options.model_dump()
    )


def lite_target(text: str) -> LiteTarget:
    """Validate a target given by the user.

    Raises:
        UsageError: ``lite-target-unsupported``: unknown, or misinterpreted by opt.
    """
    for known in get_args(LiteTarget):
        if text == known:
            return known  # type: ignore[no-any-return]  # get_args() returns Any
    reason = _MISINTERPRETED.get(frozenset(text.split(",")), "opt aborts on processors it does not know")
    raise UsageError(
        "lite-target-unsupported",
        f"there is no Lite file for {text}: {reason}",
        expected=" or ".join(get_args(LiteTarget)),
        found=text,
        done="nothing was converted",
        hint="--target arm for phones, --target x86 for checks on a computer, --target opencl,arm for GPUs",
    )


def require_supported(options: LiteOptions) -> None:
    """Reject combinations of options that opt accepts but does not honor.

    Raises:
        UsageError: ``lite-precision-unsupported``, ``lite-quantization-unsupported`` or
            ``lite-sparse-unsupported``.
    """
    half = options.precision == "fp16"
    if half and options.target != "arm":
        raise _fp16_unsupported(options)
    if half and options.weight_only:
        raise UsageError(
            "lite-quantization-unsupported",
            f"weights in {options.weight_only} cannot be combined with arithmetic in fp16",
            expected="one of the two",
            found="the runtime dequantizes such weights to FP32, but the kernels expect FP16",
            done="nothing was converted",
            hint=f"--precision fp16, or --precision fp32 --weight-only {options.weight_only}",
        )
    if options.precision == "int8" and options.weight_only:
        raise UsageError(
            "lite-quantization-unsupported",
            "--weight-only applies to models that are not quantized, --precision int8 to quantized ones",
            expected="one of the two",
            done="nothing was converted",
            hint="leave out --weight-only",
        )
    if options.sparse and (reason := _sparse_conflict(options)):
        raise sparse_unsupported(reason)


def _fp16_unsupported(options: LiteOptions) -> UsageError:
    reasons = {
        "x86": "Paddle-Lite has no FP16 kernels for x86 and would write FP32",
        "opencl": "an OpenCL file does not fix its precision: the app chooses it when it loads the file",
    }
    other = "--target arm --precision fp16" if options.family == "x86" else f"--target {options.target}"
    return UsageError(
        "lite-precision-unsupported",
        f"there is no {options.precision} for {options.target}: {reasons[options.family]}",
        expected="--precision fp16 with --target arm, or --precision fp32",
        done="nothing was converted",
        hint=other if options.family == "x86" else f"{other} --precision fp32",
    )


def _sparse_conflict(options: LiteOptions) -> str | None:
    if options.precision == "fp16":
        return "opt leaves the weights of sparse layers in FP32, but the kernels expect FP16"
    if options.precision == "int8":
        return "the layers of a quantized model are not sparse"
    if options.weight_only:
        return "weights cannot be both sparse and integers"
    if options.target != "arm":
        return f"there are no sparse kernels for {options.target}"
    if options.version == "2.9.1":
        return "paddlelite 2.9.1 has no sparse kernels, 2.10 and later have"
    return None


def require_precision(options: LiteOptions, *, quantized: bool) -> None:
    """Reject options that do not suit the source: only a quantized model computes in INT8, and nothing else.

    Raises:
        UsageError: ``lite-precision-unsupported``, ``lite-quantization-unsupported`` or
            ``lite-sparse-unsupported``.
    """
    if not quantized and options.precision == "int8":
        raise UsageError(
            "lite-precision-unsupported",
            "Paddle-Lite computes in int8 only for quantized models, and the source is not quantized",
            expected="a model with quantization operators, from training or post-training quantization",
            found="none in the program",
            done="nothing was converted",
            hint="--weight-only int8; zoo fetch NAME --lite int8 for what upstream publishes",
        )
    if not quantized:
        return
    if options.precision == "fp16":
        raise UsageError(
            "lite-precision-unsupported",
            "the source is a quantized model, which Paddle-Lite computes in int8",
            expected="--precision int8",
            found="--precision fp16",
            done="nothing was converted",
            hint="--precision int8",
        )
    # The same conflicts as for --precision int8, which a quantized source implies.
    require_supported(options.model_copy(update={"precision": "int8"}))


def sparse_unsupported(reason: str) -> UsageError:
    """Error for sparse layers that cannot be written."""
    return UsageError(
        "lite-sparse-unsupported",
        f"--sparse is not possible here: {reason}",
        expected="--sparse with --target arm --precision fp32 and paddlelite 2.10 or later",
        done="nothing was converted",
        hint="leave out --sparse",
    )


def legacy_program_required(program: str) -> ConversionError:
    """Error for a program in the format of Paddle 3, on which opt would abort.

    Args:
        program: Description of the program, for example its path.
    """
    return ConversionError(
        "lite-program-unsupported",
        f"{program} is a program in the format of Paddle 3 (PIR), which Paddle-Lite cannot read",
        expected="a legacy program (.pdmodel)",
        found="a PIR program (.json)",
        done="nothing was converted",
        hint="zoo convert WEIGHTS --architecture NAME --to inference --program legacy --out DIR; "
        "for your own network, save it again with FLAGS_enable_pir_api=0 in the environment",
    )
