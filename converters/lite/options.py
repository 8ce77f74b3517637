"""What to ask opt for, and the combinations that it takes and then does something else for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import DEFAULT_LITE_VERSION
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

LiteTarget = Literal["arm", "x86", "opencl", "opencl,arm", "opencl,x86"]
"""One processor, or a GPU and the processor that computes what has no kernel for the GPU, in this order."""

WeightOnly = Literal["int8", "int16"]

# A target in another order, or another pair, is taken by opt without a word.
_LEADS_ELSEWHERE = {
    frozenset({"arm", "x86"}): "opt then takes arm kernels only, and the file is no twin of anything",
    frozenset({"arm", "opencl"}): "with arm first, opt scatters a few OpenCL kernels among arm ones",
    frozenset({"x86", "opencl"}): "with x86 first, opt scatters a few OpenCL kernels among x86 ones",
}


class LiteOptions(Model):
    """What to make.

    Attributes:
        target: Processor: ``arm`` for phones, ``x86`` for checks on a computer, ``opencl`` for GPUs, alone or
            with the processor to fall back on.
        precision: Arithmetic of the kernels; weights are stored in single precision either way.
        version: Version of Paddle-Lite; the runtime in the app has to be the same.
        weight_only: Integers that weights are stored as, to be turned back when the file is loaded;
            arithmetic is not affected. None stores them as they are.
        sparse: Store 1x1 convolutions most of whose weights are zero as sparse ones.
    """

    target: LiteTarget = "arm"
    precision: Literal["fp32", "fp16"] = "fp32"
    version: str = DEFAULT_LITE_VERSION
    weight_only: WeightOnly | None = None
    sparse: bool = False

    @property
    def family(self) -> str:
        """The processor a file of this target is for, as its kernels tell."""
        return self.target.partition(",")[0]


def lite_key(inputs: Mapping[str, str], options: LiteOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``program`` and ``params`` to their SHA-256.
        options: What to make.
    """
    return conversion_key(
        "lite", inputs=inputs, tools={"paddlelite": options.version}, options=options.model_dump()
    )


def lite_target(text: str) -> LiteTarget:
    """A target as a user spells it.

    Raises:
        UsageError: ``lite-target-unsupported``: unknown, or one that opt takes for something else.
    """
    for known in get_args(LiteTarget):
        if text == known:
            return known  # type: ignore[no-any-return]  # get_args() forgets what it was asked about
    reason = _LEADS_ELSEWHERE.get(frozenset(text.split(",")), "opt aborts on processors it does not know")
    raise UsageError(
        "lite-target-unsupported",
        f"there is no Lite file for {text}: {reason}",
        expected=" or ".join(get_args(LiteTarget)),
        found=text,
        done="nothing was converted",
        hint="--target arm for phones, --target x86 for checks on a computer, --target opencl,arm for GPUs",
    )


def refuse_contradictions(options: LiteOptions) -> None:
    """Refuse combinations that opt takes and then quietly does something else for.

    Raises:
        UsageError: ``lite-precision-unsupported``, ``lite-quantization-unsupported`` or
            ``lite-sparse-unsupported``.
    """
    half = options.precision == "fp16"
    if half and options.target != "arm":
        raise _no_half(options)
    if half and options.weight_only:
        raise UsageError(
            "lite-quantization-unsupported",
            f"weights in {options.weight_only} and arithmetic in fp16 do not go together",
            expected="either of the two",
            found="a runtime turns such weights back into single precision, for kernels that expect half",
            done="nothing was converted",
            hint=f"--precision fp16, or --precision fp32 --weight-only {options.weight_only}",
        )
    if options.sparse and (reason := _against_sparse(options)):
        raise sparse_impossible(reason)


def _no_half(options: LiteOptions) -> UsageError:
    reasons = {
        "x86": "Paddle-Lite has no half-precision kernels for x86 and would write single precision",
        "opencl": "a file for OpenCL does not fix its precision: the app chooses it when it loads the file",
    }
    other = "--target arm --precision fp16" if options.family == "x86" else f"--target {options.target}"
    return UsageError(
        "lite-precision-unsupported",
        f"there is no {options.precision} for {options.target}: {reasons[options.family]}",
        expected="--precision fp16 with --target arm, or --precision fp32",
        done="nothing was converted",
        hint=other if options.family == "x86" else f"{other} --precision fp32",
    )


def _against_sparse(options: LiteOptions) -> str | None:
    if options.precision == "fp16":
        return "opt leaves the weights of sparse layers in single precision, for kernels that expect half"
    if options.weight_only:
        return "weights are stored either as sparse ones or in integers"
    if options.target != "arm":
        return f"there are no sparse kernels for {options.target}"
    if options.version == "2.9.1":
        return "paddlelite 2.9.1 knows no sparse kernels, 2.10 and later do"
    return None


def sparse_impossible(reason: str) -> UsageError:
    """The error for a request for sparse layers that cannot be met."""
    return UsageError(
        "lite-sparse-unsupported",
        f"--sparse cannot be met: {reason}",
        expected="--sparse with --target arm --precision fp32 and paddlelite 2.10 or later",
        done="nothing was converted",
        hint="leave out --sparse",
    )


def needs_legacy(program: str) -> ConversionError:
    """The error for a program of Paddle 3's format; opt would abort on it.

    Args:
        program: What it is, as the subject of a sentence.
    """
    return ConversionError(
        "lite-program-unsupported",
        f"{program} is a program of the format of Paddle 3 (PIR), which Paddle-Lite cannot read",
        expected="a legacy program (.pdmodel)",
        found="a PIR program (.json)",
        done="nothing was converted",
        hint="zoo convert WEIGHTS --architecture NAME --to inference --program legacy --out DIR; "
        "a network of your own: save it again with FLAGS_enable_pir_api=0 in the environment",
    )
